/**
 * What a memory writes down, as JSON objects named by their hash. Keys are those of the files. A reader of this
 * version takes exactly these keys; a memory whose records have others has another format (format.ts). Those that came
 * with a later format may be left out: records of earlier ones stay what they are.
 */
import * as z from 'zod';
import { consolidationSpaces } from '../spaces.ts';

/** SHA-256 of an object's bytes, and its name. */
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().nonnegative();
const time = z.iso.datetime();
/** What `learn` keeps beside what the store knows: any JSON. */
const details = z.json();

/** What decides token ids and log-probs: the base's weights and configuration, its tokenizer, its chat template. */
export const baseHashesSchema = z.strictObject({
  base: z.string(),
  tokenizer: z.string(),
  template: z.string(),
});
export type BaseHashes = z.output<typeof baseHashesSchema>;

export const loraSettingsSchema = z.strictObject({
  rank: count.positive(),
  alpha: z.number().positive(),
  targets: z.array(z.string()),
});

/** What consolidation did to all matrices together; energies are sums of squares over them. */
export const consolidationSummarySchema = z.strictObject({
  matrices: count,
  /** k of each matrix, singular directions kept of those there were. */
  kept_rank: z.strictObject({ mean: z.number(), least: z.number(), most: z.number(), of: z.number() }),
  energy: z.strictObject({
    short_term: z.number(),
    denoised: z.number(),
    parallel: z.number(),
    refined: z.number(),
  }),
  /** % of the change's energy that denoising kept. */
  kept_energy: z.number(),
  /** % of the denoised change's energy that lay in directions of earlier stages. */
  old_directions: z.number(),
});
export type ConsolidationSummary = z.output<typeof consolidationSummarySchema>;

/** On a task's report rows; shares in percent. `learn` may add numbers, intervals and the like. */
export const taskMetricsSchema = z
  .object({
    rows: count,
    preference_accuracy: z.number().nullable(),
    reward_accuracy: z.number().nullable().optional(),
    margin: z.number().nullable().optional(),
  })
  .catchall(details);
export type TaskMetrics = z.output<typeof taskMetricsSchema>;

/** By task, under the adapter before and after the commit. */
export const metricsSchema = z
  .object({
    before: z.record(z.string(), taskMetricsSchema),
    after: z.record(z.string(), taskMetricsSchema),
  })
  .catchall(details);
export type CommitMetrics = z.output<typeof metricsSchema>;

/** A task's rows, split once: nothing is ever tuned on the report rows. Lists are ids of rows (rows.ts). */
export const taskRecordSchema = z.strictObject({
  task: z.string(),
  /** Its rows' texts, and answers to them, are shown nowhere. */
  private: z.boolean(),
  /** Of the file that the rows came from. */
  data: z.strictObject({ file: z.string().nullable(), sha256: z.string() }),
  train: z.array(hash),
  gate: z.array(hash),
  report: z.array(hash),
  details: details.optional(),
});
export type TaskRecord = z.output<typeof taskRecordSchema>;

const bufferEntrySchema = z.strictObject({
  task: z.string(),
  row: hash,
  /** Log-probs of its responses under the reference policy, where they are known. */
  reference: z.strictObject({ chosen: z.number(), rejected: z.number() }).nullable(),
});
export type BufferEntry = z.output<typeof bufferEntrySchema>;
/** The replay buffer, in order of arrival. */
export const bufferSchema = z.strictObject({ entries: z.array(bufferEntrySchema) });

export const commitSchema = z.strictObject({
  /** The version: 0 is the root; every commit ever made has a number of its own, in the order they were made. */
  number: count,
  parent: hash.nullable(),
  kind: z.enum(['root', 'stage', 'drop']),
  /** That was learned, or dropped. */
  task: z.string().nullable(),
  stage: z.string().nullable(),
  time,
  note: z.string(),
  /** The memory's config as it was resolved, a JSON object. */
  config: hash,
  hashes: baseHashesSchema.extend({ data: z.string().nullable() }),
  lora: loraSettingsSchema,
  /**
   * Of the base (model/base-precision.ts) in the training that this commit adds: a stage's own, of a root all that its
   * adapter names; none where nothing was trained. Left out: not recorded, as in format 1.
   */
  precisions: z.array(z.string().min(1)).optional(),
  /** safetensors: the long-term memory after this commit; what the stage changed; what was merged of it. */
  adapter: hash,
  short_term: hash.nullable(),
  refined: hash.nullable(),
  consolidation: z
    .strictObject({
      space: z.enum(consolidationSpaces),
      threshold: z.number(),
      lambda: z.number(),
      summary: consolidationSummarySchema,
      /** A JSON object with the report of each matrix. */
      reports: hash,
    })
    .nullable(),
  /** Of a stage: a `TaskRecord`. */
  rows: hash.nullable(),
  /** The replay buffer after this commit. */
  buffer: hash.nullable(),
  metrics: hash.nullable(),
});
export type CommitRecord = z.output<typeof commitSchema>;

export const entryActions = ['init', 'learn', 'aside', 'revert', 'drop', 'forget'] as const;
export type EntryAction = (typeof entryActions)[number];

/** One movement of the head. Each names the one before it, so nothing that the head ever was is lost. */
export const entrySchema = z.strictObject({
  number: count,
  previous: hash.nullable(),
  time,
  action: z.enum(entryActions),
  /** Where the head is now. */
  head: hash,
  /** Commits made here, oldest first; under `aside` the head is not among them. */
  added: z.array(hash),
  /** All commits made so far: the number of the next. */
  versions: count,
  /** The `RowsManifest` from now on. Those of earlier entries may be gone, with the texts that they named. */
  rows: hash,
  note: z.string(),
});
export type EntryRecord = z.output<typeof entrySchema>;

/** Where texts of rows are, and which are there no more. */
export const rowsManifestSchema = z.strictObject({
  files: z.array(z.strictObject({ task: z.string(), file: hash, rows: count })),
  /** `Tombstone` objects. */
  tombstones: z.array(hash),
});
export type RowsManifest = z.output<typeof rowsManifestSchema>;

export const tombstoneSchema = z.strictObject({
  time,
  action: z.enum(['forget', 'drop']),
  reason: z.string(),
  rows: z.array(z.strictObject({ id: hash, task: z.string() })),
});
export type Tombstone = z.output<typeof tombstoneSchema>;
