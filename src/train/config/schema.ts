/**
 * The keys of a run's config, their types and defaults. What depends on the chosen method (objective,
 * replay, consolidation) has been filled in before this schema sees it. [resolve.ts]
 */
import * as z from 'zod';
import { replayPolicies } from '../../data/replay-buffer.ts';
import { engineSettings } from '../../engine/settings.ts';
import { ruleJudgeNames } from '../../eval/judges/index.ts';
import { consolidationSpaces } from '../../memory/spaces.ts';
import { scheduleNames } from '../../optim/schedule.ts';

const count = z.int().positive();
const positive = z.number().positive();
const share = z.number().min(0).max(1);

/** Of a task: it is part of file names. */
export const taskNameSchema = z
  .string()
  .max(100)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'expected letters, digits, ".", "_" and "-", beginning with a letter or digit',
  );

const task = z.strictObject({
  /** Names the task in every result, and its folder. */
  name: taskNameSchema,
  train: z.string().min(1),
  test: z.string().min(1),
  /** A built-in judge of greedy answers to the test prompts; null: log-prob scores only. */
  judge: z.enum(ruleJudgeNames).nullable().default(null),
  train_rows: count.nullable().default(null),
  test_rows: count.nullable().default(null),
  /** Its rows' texts, and answers to them, are shown and written nowhere. */
  private: z.boolean().default(false),
});

const stage = {
  /** 0 leaves the stage out. */
  epochs: z.int().min(0).default(3),
  /** Rows per optimizer step. */
  batch_size: count.default(16),
  schedule: z.enum(scheduleNames).default('cosine'),
  warmup_ratio: share.default(0.1),
  max_grad_norm: positive.default(1),
  weight_decay: z.number().min(0).default(0),
};

export const generalSchema = z.strictObject({
  /** A file of {query or prompt, response}, or built-in conversations. */
  rows: z.string().min(1).default('builtin:neutral/general'),
  /** The first so many of them. */
  limit: count.default(32),
  /** Of each answer drawn to measure the drift. */
  max_new_tokens: count.default(24),
});

export const loraSchema = z.strictObject({
  rank: count.default(8),
  alpha: positive.default(16),
  targets: z.array(z.string().min(1)).min(1).default(['q_proj', 'v_proj']),
});

export const runConfigSchema = z.strictObject({
  /** A model folder or GGUF file, looked for beside the config first, or a name known to `models list`. */
  base: z.string().min(1),
  /** What computes; `torch` needs Python (`lifealign engine install torch`). A name alone takes its defaults. */
  engine: engineSettings.prefault({ name: 'ort' }),
  /** An adapter's folder to start from. */
  adapter: z.string().min(1).nullable().default(null),
  method: z.string(),
  /** The method's own; method/ says which it has. */
  method_settings: z.record(z.string(), z.unknown()),
  /** `null` under a method that trains no LoRA matrices. */
  lora: loraSchema.nullable(),
  tasks: z.array(task).min(1),
  stages: z.strictObject({
    sft: z.strictObject({ ...stage, learning_rate: positive.default(1e-4) }).prefault({}),
    preference: z.strictObject({
      ...stage,
      learning_rate: positive.default(5e-6),
      objective: z.looseObject({ name: z.string() }),
    }),
  }),
  replay: z
    .strictObject({
      /** 3000 rows, 20 % of each task. [arXiv:2509.17183, implementation details] */
      capacity: z.int().min(0).default(3000),
      fraction: share.default(0.2),
      policy: z.enum(replayPolicies).default('paper'),
    })
    .nullable(),
  consolidation: z
    .strictObject({
      /** Each LoRA matrix by itself, or the products B·A. */
      space: z.enum(consolidationSpaces).default('factors'),
      threshold: z.number().positive().max(1),
      lambda: share,
    })
    .nullable(),
  /** `base`, `previous` (the adapter at the task's start), or an adapter's folder. */
  reference: z.string().min(1).default('base'),
  /** After each task: the tasks seen so far, or all. */
  evaluate: z.enum(['seen', 'all']).default('seen'),
  /** Greedy answers of at most so many tokens. */
  generation: z
    .strictObject({
      max_new_tokens: count.default(1024),
      /** Test prompts answered for the report where a task has no judge; short answers. */
      samples: z.int().min(0).default(3),
    })
    .prefault({}),
  /** Drift from the base, and loss, on neutral conversations after each task; null: not measured. */
  general: generalSchema.nullable().prefault({}),
  /**
   * In what numbers gradients go back through the base's frozen layers: `int8` is faster on processors that
   * multiply such integers, and changes gradients a little.
   */
  backward: z.enum(['float32', 'int8']).default('float32'),
  /** Tokens of prompt and longer response together, soft prompts among them. */
  max_length: z.int().min(2).default(2048),
  invalid_rows: z.enum(['error', 'skip']).default('error'),
  seed: z.int().min(0).default(0),
});

/** A run's config with everything filled in; its paths are absolute. Keys are those of the file. */
export type RunConfig = z.output<typeof runConfigSchema>;
export type StageName = keyof RunConfig['stages'];
