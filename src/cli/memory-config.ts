/** A memory's settings as they come in: a YAML file, `--set`, `--base`; checked, with everything filled in. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { learnSchema, learnSettings } from '../learn/config.ts';
import { type MemoryConfig, memoryConfigSchema, parseMemoryConfig } from '../memory/store/config.ts';
import { UserError } from '../support/errors.ts';
import { configError } from '../train/config/messages.ts';
import { applyOverrides, type ConfigTree, isTree } from '../train/config/overrides.ts';
import { readConfigTree } from '../train/config/read-tree.ts';

const schema = memoryConfigSchema(learnSchema.prefault({}));

export interface MemorySettings {
  readonly file?: string | undefined;
  readonly set: readonly string[];
  readonly base?: string | undefined;
}

export interface ResolvedMemoryConfig {
  readonly config: MemoryConfig;
  /** Sections that were given, not filled in. */
  readonly given: ReadonlySet<string>;
  /** For messages. */
  readonly origin: string;
}

/** @throws {UserError} naming file and key of what is missing, unknown or out of range. */
export async function resolveMemoryConfig({
  file,
  set,
  base,
}: MemorySettings): Promise<ResolvedMemoryConfig> {
  const written =
    file === undefined ? {} : await readConfigTree(file, 'a mapping of keys such as base and learn');
  const tree = applyOverrides(base === undefined ? written : { ...written, base }, set);
  if (tree['base'] === undefined) {
    throw new UserError('--base: missing; expected a folder, a GGUF file or the name of a model');
  }
  const origin = file ?? 'settings';
  const config = await checkMemoryConfig(tree, origin);
  // What a file names is looked for beside it, what the command names where it was called.
  const path = resolve(file === undefined || base !== undefined ? '.' : dirname(file), config.base);
  return {
    config: { ...config, base: existsSync(path) ? path : config.base },
    given: new Set(Object.keys(tree)),
    origin,
  };
}

/**
 * @param file where the settings stand, for messages and for relative paths, which become absolute
 * @throws {DataError} naming the key.
 */
export async function checkMemoryConfig(tree: ConfigTree, file: string): Promise<MemoryConfig> {
  const parsed = schema.safeParse(tree);
  if (!parsed.success) throw configError(file, schema, tree, parsed.error.issues);
  // As it will be read back: without keys that have no value.
  const config = parseMemoryConfig(JSON.parse(JSON.stringify(parsed.data))).data!;
  const { run } = await learnSettings(config.learn, config, [], { file, folder: dirname(resolve(file)) });
  const { general } = config.learn;
  if (!isTree(general) || general['rows'] === undefined) return config;
  return { ...config, learn: { ...config.learn, general: { ...general, rows: run.general!.rows } } };
}
