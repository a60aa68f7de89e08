/** What the files of a run's folder hold, as far as a report reads them. */
import * as z from 'zod';

const count = z.int().min(0);

const configTask = z.looseObject({
  name: z.string(),
  /** Where the test rows are; the texts themselves are in no file of a run. */
  test: z.string().optional(),
  judge: z.string().nullish(),
  private: z.boolean().default(false),
});

/** config.yaml; runs of older versions lack keys. */
export const configFile = z.looseObject({
  base: z.string().nullish(),
  method: z.string().nullish(),
  seed: z.number(),
  general: z.looseObject({ limit: count.optional(), max_new_tokens: count.optional() }).nullish(),
  generation: z.looseObject({ samples: count.optional() }).optional(),
  tasks: z.array(configTask).min(1),
  provenance: z.looseObject({
    versions: z.record(z.string(), z.string()).default({}),
    hashes: z.looseObject({ tasks: z.array(z.looseObject({ test: z.string() })) }),
  }),
});
export type ConfigFile = z.output<typeof configFile>;

const taskRows = z.looseObject({
  task: z.string(),
  train: count,
  train_cut_prompts: count,
  train_skipped_rows: count,
  test: count,
  test_cut_prompts: count,
  test_skipped_rows: count,
});

/** summary.json, which only finished runs have. */
export const summaryFile = z.looseObject({
  seconds: z.number(),
  steps: count.optional(),
  tokens: count.optional(),
  rows: z.array(taskRows).default([]),
});
export type SummaryFile = z.output<typeof summaryFile>;

const withBase = z.looseObject({ base: z.array(z.number().nullable()).optional() }).optional();

/** matrix.json: of its numbers only the base's, for the cells are read row by row. */
export const matrixFile = z.looseObject({ preference_accuracy: withBase, judge: withBase });

/** tasks/<k>-<name>/consolidation/<stage>.json. Energies are sums of squares. */
export const consolidationFile = z.object({
  space: z.enum(['factors', 'product']).default('factors'),
  threshold: z.number(),
  lambda: z.number(),
  matrices: z.array(
    z.object({
      name: z.string(),
      shape: z.tuple([z.int().positive(), z.int().positive()]),
      singular_values: z.array(z.number().min(0)),
      kept_rank: count,
      energy: z.object({
        short_term: z.number().min(0),
        denoised: z.number().min(0),
        parallel: z.number().min(0),
        refined: z.number().min(0),
      }),
      history_rows: count,
      history_rank: count,
      /** In product space: what the adapter's rank could not hold of the merged and of the refined memory. */
      truncation: z
        .object({
          merged: z.number().min(0),
          lost: z.number().min(0),
          refined: z.number().min(0),
          refined_lost: z.number().min(0),
        })
        .optional(),
    }),
  ),
});
export type ConsolidationFile = z.output<typeof consolidationFile>;
export type ConsolidatedMatrix = ConsolidationFile['matrices'][number];

const rowsOfTask = z.array(z.object({ task: z.string(), rows: count }));

/** tasks/<k>-<name>/replay.json: rows trained on by origin, and the buffer as the task leaves it. */
export const replayFile = z.object({ own: count, replayed: rowsOfTask, kept: rowsOfTask });
export type ReplayFile = z.output<typeof replayFile>;

/** <moment>/answers/<j>-<name>.json (with scores) and <moment>/samples/<j>-<name>.json (without). */
export const answersFile = z.array(
  z.object({ index: count, answer: z.string().optional(), score: z.number().optional() }),
);

const measured = z.number().nullable();
/** Runs of older versions did not write the field. */
const measuredSince = measured.default(null);

/** A line of steps.jsonl. */
export const stepLine = z.looseObject({
  task: z.string(),
  stage: z.enum(['sft', 'preference']),
  step: z.int().positive(),
  loss: z.number(),
  'rewards/margins': measured,
  'rewards/accuracies': measured,
  'focal/mean': measuredSince,
  'focal/min': measuredSince,
  'focal/max': measuredSince,
  tokens_per_second: z.number(),
});
export type Step = z.output<typeof stepLine>;
export type StageName = Step['stage'];
export const stageNames: readonly StageName[] = ['sft', 'preference'];
