/**
 * What a memory's config says under `learn`: how a task is trained, in the words of a run's config; how its rows are
 * split; what the gate asks; what is searched. With the memory's base, adapter and seed it is the config of a run.
 */
import * as z from 'zod';
import { configError } from '../train/config/messages.ts';
import { applyOverrides, type ConfigTree } from '../train/config/overrides.ts';
import { resolveRunConfig } from '../train/config/resolve.ts';
import type { RunConfig } from '../train/config/schema.ts';
import { type ConflictSettings, conflictsSchema } from './contradictions.ts';
import { LEAST_ROWS } from './gate/resolution.ts';
import { type GateSettings, gateSchema, type SearchSettings, searchSchema } from './gate/settings.ts';

const size = z.number().positive();

const splitSchema = z.strictObject({
  /** Of a task's rows, below 1 a share, from 1 on a number of rows. */
  gate: size.default(0.1),
  report: size.default(0.1),
  /** Fewer rows in any part are refused. */
  least: z.int().positive().default(LEAST_ROWS),
});
export type SplitSettings = z.output<typeof splitSchema>;

/** As it stands in a run's config, which is where it is checked. */
const ofRun = z.json().optional();

/** For memoryConfigSchema; the parts of a run's config in it are checked by `learnSettings`. */
export const learnSchema = z.strictObject({
  stages: ofRun,
  replay: ofRun,
  consolidation: ofRun,
  reference: ofRun,
  general: ofRun,
  backward: ofRun,
  max_length: ofRun,
  invalid_rows: ofRun,
  split: splitSchema.prefault({}),
  gate: gateSchema.prefault({}),
  search: searchSchema.prefault({}),
  /** `null`: contradictions to what was learned are not looked for. */
  conflicts: conflictsSchema.nullable().prefault({}),
});

/** What decides a memory's adapters and cannot change from task to task. */
export interface MemoryBasis {
  readonly base: string;
  readonly lora: { readonly rank: number; readonly alpha: number; readonly targets: readonly string[] };
  readonly seed: number;
}

export interface LearnSettings {
  /** With a single task that stands for those there will be. */
  readonly run: RunConfig;
  readonly split: SplitSettings;
  readonly gate: GateSettings;
  readonly search: SearchSettings | null;
  readonly conflicts: ConflictSettings | null;
}

const PLACEHOLDER = { name: 'task', train: 'rows', test: 'rows' };

/**
 * @param section of the memory's config, as it stands there
 * @param overrides of `--set`, whose keys are those below `learn`
 * @param file where the section stands, for messages and for relative paths
 * @throws {UserError} naming the key that is unknown, out of range or without effect.
 */
export async function learnSettings(
  section: ConfigTree,
  { base, lora, seed }: MemoryBasis,
  overrides: readonly string[],
  { file, folder }: { readonly file: string; readonly folder: string },
): Promise<LearnSettings> {
  const tree = applyOverrides(section, overrides);
  const where = `${file} (learn)`;
  const parsed = learnSchema.safeParse(tree);
  if (!parsed.success) throw configError(where, learnSchema, tree, parsed.error.issues);
  const { split, gate, search, conflicts, ...ofTraining } = parsed.data;
  const run = await resolveRunConfig(
    {
      ...ofTraining,
      base,
      lora: { ...lora, targets: [...lora.targets] },
      seed,
      method: 'lifealign',
      tasks: [PLACEHOLDER],
    },
    { file: where, folder },
  );
  const refuse = (field: string, problem: string) =>
    configError(where, learnSchema, tree, [
      { code: 'custom', path: field.split('.'), message: problem, input: tree },
    ]);
  if (run.consolidation?.space !== 'factors') {
    throw refuse(
      'consolidation',
      'expected a consolidation in the space "factors": a memory adds matrices up',
    );
  }
  if (!['base', 'previous'].includes(run.reference)) {
    throw refuse('reference', 'expected base or previous: a memory outlives other folders');
  }
  if (gate.max_drift !== null && run.general === null) {
    throw refuse('gate.max_drift', 'has no effect without learn.general, which measures the drift');
  }
  return { run, split, gate, search, conflicts };
}
