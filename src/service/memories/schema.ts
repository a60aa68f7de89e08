/**
 * What the service tells of its memories, as schemas: routes answer by them, and the studio takes its types from them.
 * Times are ISO 8601, shares and accuracies percent, versions numbers as `memory log` has them.
 */
import * as z from 'zod';

const version = z.int().nonnegative();
/** On a task's report rows; a row's other numbers stand beside these. */
const scores = z.looseObject({
  rows: z.int(),
  preference_accuracy: z.number().nullable(),
  reward_accuracy: z.number().nullish(),
  margin: z.number().nullish(),
  change: z.object({ estimate: z.number(), low: z.number(), high: z.number() }).optional(),
});
export const scoresByTask = z.record(z.string(), scores);

export type Scores = z.output<typeof scores>;

const precision = z.string().meta({
  description:
    'Of the base while what it holds was trained: float32, nf4/bfloat16 and so on; or that nothing was, or that it is not recorded.',
});

export const memorySchema = z.object({
  name: z.string().meta({ description: 'Of its models: name, name@v1 and so on.' }),
  base: z.string(),
  precision,
  head: version,
  tasks: z.array(z.string()).meta({ description: 'That the head has learned, in that order.' }),
  versions: z.int().meta({ description: 'All that were ever made.' }),
  serving: version.nullable().meta({ description: 'What requests for the name are answered by now.' }),
  updated: z.string().meta({ description: 'When the head last moved.' }),
});
export type MemorySummary = z.output<typeof memorySchema>;

export const versionSchema = z.object({
  version,
  commit: z.string(),
  parent: version.nullable(),
  kind: z.enum(['root', 'stage', 'drop']),
  task: z.string().nullable(),
  stage: z.string().nullable(),
  time: z.string(),
  note: z.string(),
  state: z.enum(['head', 'in_head', 'left_out', 'aside']).meta({
    description:
      'Where it stands: under the head, beside the way there, or aside because the gate refused it.',
  }),
  passed: z.boolean().nullable().meta({ description: "The gate's verdict, where it was asked." }),
  accuracies: z
    .record(z.string(), z.number().nullable())
    .meta({ description: 'Preference accuracy after it, by task.' }),
});
export type VersionSummary = z.output<typeof versionSchema>;

export const matrixSchema = z.object({
  tasks: z.array(z.string()),
  rows: z
    .array(
      z.object({
        version,
        name: z.string().meta({ description: 'The task learned, or dropped, by this version.' }),
        values: z.array(z.number().nullable()),
      }),
    )
    .meta({ description: 'From the root to the head, one for each change; a column for each task.' }),
});
export type MemoryMatrix = z.output<typeof matrixSchema>;

const energy = z.object({
  shortTerm: z.number(),
  denoised: z.number(),
  parallel: z.number(),
  refined: z.number(),
});

const limit = z.object({
  kind: z.enum(['budget', 'gain', 'drift']),
  task: z.string().nullable(),
  estimate: z.number(),
  low: z.number(),
  high: z.number(),
  limit: z.number(),
  broken: z.boolean(),
});
export type GateLimit = z.output<typeof limit>;

const candidate = z.object({ lambda: z.number(), threshold: z.number(), scale: z.number() });

export const gateSchema = z.looseObject({
  passed: z.boolean(),
  score: z.string(),
  rule: z.string(),
  level: z.number(),
  consolidation: candidate,
  limits: z.array(limit),
  default_limits: z.array(limit).nullable(),
  searched: z.array(
    candidate.extend({ energy_kept: z.number(), passed: z.boolean(), limits: z.array(limit) }),
  ),
});
export type Gate = z.output<typeof gateSchema>;

export const versionDetailSchema = versionSchema.extend({
  model: z.string(),
  tasks: z.array(z.string()).meta({ description: 'That it holds.' }),
  precision,
  lora: z.object({ rank: z.int(), alpha: z.number(), targets: z.array(z.string()) }),
  rows: z
    .object({
      ...{ train: z.int(), gate: z.int(), report: z.int(), withdrawn: z.int() },
      private: z.boolean(),
    })
    .nullable(),
  buffer: z.int().meta({ description: 'Rows that are replayed after it.' }),
  consolidation: z
    .object({
      space: z.string(),
      threshold: z.number(),
      lambda: z.number(),
      kept_energy: z.number(),
      old_directions: z.number(),
      matrices: z.array(
        z.object({
          name: z.string(),
          singular_values: z.array(z.number()),
          kept_rank: z.int(),
          history_rank: z.int(),
          energy,
        }),
      ),
    })
    .nullable(),
  before: scoresByTask,
  after: scoresByTask,
  gate: gateSchema.nullable(),
  general: z.object({ kl: z.number(), loss: z.number(), base_loss: z.number() }).nullable(),
  config: z.record(z.string(), z.unknown()),
});
export type VersionDetail = z.output<typeof versionDetailSchema>;

export const samplesSchema = z.array(
  z.object({ task: z.string(), prompt: z.array(z.unknown()), preferred: z.string() }),
);
export type Sample = z.output<typeof samplesSchema>[number];

export const moveSchema = z.object({
  move: z.int(),
  time: z.string(),
  action: z.string(),
  head: version,
  added: z.array(version),
  note: z.string(),
});
export type Move = z.output<typeof moveSchema>;

const change = {
  dry_run: z.boolean().default(false).meta({ description: 'Only say what would be done.' }),
  head: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'The commit that the dry run was about; 409 where the head has moved since.' }),
  note: z.string().max(1000).default(''),
};
const needsHead = { path: ['head'], error: 'missing; expected the head that the dry run told' };

export const revertSchema = z
  .strictObject({ version, ...change })
  .refine(({ dry_run, head }) => dry_run || head !== undefined, needsHead);
export const dropSchema = z
  .strictObject({
    task: z.string().min(1).max(256),
    measure: z.boolean().default(false).meta({
      description: "Scores the tasks' report rows with and without it: takes the engine for a while.",
    }),
    ...change,
  })
  .refine(({ dry_run, head }) => dry_run || head !== undefined, needsHead);

export const effectSchema = z.object({
  done: z.boolean(),
  head: z.string().meta({ description: 'The commit of the head before.' }),
  from: version,
  to: version.nullable().meta({ description: 'The head after; null for a drop that was not done.' }),
  tasks_gone: z.array(z.string()),
  tasks_back: z.array(z.string()),
  rows_withdrawn: z.int(),
  trained_on_top: z.array(z.string()).meta({
    description: 'Tasks learned with the dropped one in place; what they took over from it stays.',
  }),
  relative_change: z.number().meta({ description: "Of the adapter's matrices, % of their norm." }),
  measured: z.boolean().meta({ description: 'Whether the scores were measured now, or are those recorded.' }),
  before: scoresByTask,
  after: scoresByTask,
});
export type Effect = z.output<typeof effectSchema>;
