/**
 * From a config as written to the run it means: method defaults, then general defaults, paths made
 * absolute. What the config says wins; what it says without any effect is refused.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { resolveSource } from '../../data/builtin/source.ts';
import { withEngineName } from '../../engine/settings.ts';
import { findMethod } from '../../method/index.ts';
import type { Method } from '../../method/method.ts';
import { isModelName } from '../../model/resolve.ts';
import { createObjective, parseObjectiveSettings } from '../../objective/index.ts';
import { REFERENCE_CONSTANTS } from '../../objective/log-ratio.ts';
import { DataError, UserError } from '../../support/errors.ts';
import { givenAdapter, type Refuse } from './given-adapter.ts';
import { configError } from './messages.ts';
import { applyOverrides, type ConfigTree, isTree } from './overrides.ts';
import { readConfigTree } from './read-tree.ts';
import { loraSchema, type RunConfig, runConfigSchema } from './schema.ts';

/** What a run writes beside its resolved config; ignored when that file starts another run. */
export const PROVENANCE_KEY = 'provenance';

/**
 * Reads a run's config file and applies `--set` overrides.
 *
 * @throws {UserError} naming the file and the line of broken YAML, or the key that is unknown, out of
 *   range, or without effect under the chosen method and objective.
 */
export async function readRunConfig(file: string, overrides: readonly string[] = []): Promise<RunConfig> {
  const tree = await readConfigTree(file, 'a mapping of keys such as base and tasks');
  const { [PROVENANCE_KEY]: _, ...keys } = tree;
  return resolveRunConfig(applyOverrides(keys, overrides), { file, folder: dirname(resolve(file)) });
}

export interface ConfigOrigin {
  /** For messages. */
  readonly file: string;
  /** What relative paths start from. */
  readonly folder: string;
}

/** As `readRunConfig`, for a config that is already in memory. */
export async function resolveRunConfig(tree: ConfigTree, { file, folder }: ConfigOrigin): Promise<RunConfig> {
  const refuse = (field: string, problem: string) => new DataError({ file, field }, problem);
  const method = named(file, 'method', () => findMethod(String(tree['method'] ?? 'lifealign')));
  refuseForeignParts(tree, method, refuse);

  const filled = withMethodDefaults(tree, method);
  const schema = runConfigSchema.extend({
    method_settings: method.settings.prefault({}),
    lora: method.createPool ? z.null().default(null) : loraSchema.prefault({}),
  });
  const parsed = schema.safeParse(filled);
  if (!parsed.success) throw configError(file, schema, filled, parsed.error.issues);
  const config = parsed.data;

  const names = config.tasks.map((task) => task.name.toLowerCase());
  const twice = names.findIndex((name, at) => names.indexOf(name) !== at);
  if (twice !== -1)
    throw refuse(`tasks.${twice}.name`, `"${config.tasks[twice]?.name}" names an earlier task too`);

  const absolute = (path: string) => resolve(folder, path);
  const rowsOf = (source: string) => resolveSource(folder, source);
  const adapter = config.adapter === null ? null : absolute(config.adapter);
  return {
    ...config,
    base: await pathOrName(config.base, absolute(config.base)),
    adapter,
    ...(adapter === null ? {} : await givenAdapter(adapter, { tree, config, method, refuse })),
    tasks: config.tasks.map((task) => ({ ...task, train: rowsOf(task.train), test: rowsOf(task.test) })),
    general: config.general && { ...config.general, rows: rowsOf(config.general.rows) },
    stages: {
      ...config.stages,
      preference: { ...config.stages.preference, objective: checkedObjective(config, method, file, refuse) },
    },
    reference: ['base', 'previous'].includes(config.reference)
      ? config.reference
      : absolute(config.reference),
  };
}

/** What lies beside the config wins over a name of the same spelling; what is no name was meant as a path. */
async function pathOrName(given: string, path: string): Promise<string> {
  return !existsSync(path) && (await isModelName(given)) ? given : path;
}

/** A part that the method does not have would be logged and reach nothing. */
function refuseForeignParts(tree: ConfigTree, method: Method, refuse: Refuse): void {
  const isForeign = {
    lora: method.createPool !== undefined,
    replay: method.defaults.replay === 'never',
    consolidation: method.defaults.consolidation === null,
  };
  for (const part of ['lora', 'replay', 'consolidation'] as const) {
    const given = tree[part];
    if (isForeign[part] && given !== undefined && given !== null) {
      throw refuse(part, `the method ${method.name} has no ${part}, so these settings would have no effect`);
    }
  }
  const settings = tree['method_settings'];
  const hasSettings = Object.keys(method.settings.shape).length > 0;
  if (!hasSettings && isTree(settings) && Object.keys(settings).length > 0) {
    throw refuse('method_settings', `the method ${method.name} has no settings of its own`);
  }
}

function withMethodDefaults(tree: ConfigTree, method: Method): ConfigTree {
  const stages = below({ preference: {} }, tree['stages']);
  const preference = isTree(stages) ? below({}, stages['preference']) : stages;
  const withObjective = isTree(preference)
    ? { ...preference, objective: objectiveOf(preference['objective'], method) }
    : preference;
  return {
    ...tree,
    method: method.name,
    engine: withEngineName(tree['engine']),
    stages: isTree(stages) ? { ...stages, preference: withObjective } : stages,
    replay: tree['replay'] === undefined ? (method.defaults.replay === 'on' ? {} : null) : tree['replay'],
    consolidation:
      tree['consolidation'] === null ? null : below(method.defaults.consolidation, tree['consolidation']),
  };
}

/** Settings without a name belong to the method's objective. */
function objectiveOf(given: unknown, method: Method): unknown {
  if (!isTree(given)) return given ?? method.defaults.objective;
  const isOther = given['name'] !== undefined && given['name'] !== method.defaults.objective.name;
  return isOther ? given : { ...method.defaults.objective, ...given };
}

/** `given` over `defaults`; anything but a mapping is left for the schema to refuse. */
function below(defaults: object | null, given: unknown): unknown {
  if (given === undefined || given === null) return defaults;
  return isTree(given) ? { ...defaults, ...given } : given;
}

function checkedObjective(
  config: RunConfig,
  method: Method,
  file: string,
  refuse: Refuse,
): RunConfig['stages']['preference']['objective'] {
  const at = 'stages.preference.objective';
  const settings = named(file, undefined, () =>
    parseObjectiveSettings(config.stages.preference.objective, at),
  );
  const objective = createObjective(settings);
  if (objective.responses !== 'pair') {
    throw refuse(
      `${at}.name`,
      `"${objective.name}" looks at chosen responses only; expected one that compares`,
    );
  }
  const readsReference =
    method.readsReference || REFERENCE_CONSTANTS.some((constant) => objective.constants.includes(constant));
  if (config.reference !== 'base' && !readsReference) {
    throw refuse(
      'reference',
      `the objective ${objective.name} has no reference policy, so it would have no effect`,
    );
  }
  return settings;
}

/** Names the file, and the key where the message does not, in an error from a layer that knows neither. */
function named<T>(file: string, field: string | undefined, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new DataError(field === undefined ? { file } : { file, field }, error.message, { cause: error });
  }
}
