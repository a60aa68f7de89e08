/**
 * What `/v1/learner` tells, as schemas: routes answer by them, and the studio takes its types from them. Times are
 * milliseconds since 1970.
 */
import * as z from 'zod';
import { gateSchema, scoresByTask } from '../memories/schema.ts';
import { STATES } from './states.ts';

const time = z.int().meta({ description: 'Milliseconds since 1970.' });
const served = z.object({ version: z.int(), model: z.string() });

const waitSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.enum(['rows', 'comparisons', 'answers', 'ratings']),
    have: z.int(),
    need: z.int(),
  }),
  z.object({ kind: z.literal('time'), until: time }),
  z.object({ kind: z.literal('admin'), reason: z.string() }),
  z.object({ kind: z.literal('paused') }),
]);

export const stateSchema = z.object({
  object: z.literal('learner'),
  memory: z.string().nullable(),
  state: z.enum(['off', 'idle', 'waiting', 'learning', 'shadow', 'canary']),
  paused: z.boolean(),
  candidate: z.string().nullable(),
  last: z.object({ id: z.string(), state: z.enum(STATES) }).nullable(),
  serving: served.nullable(),
  canary: served.extend({ share: z.number() }).nullable(),
  leader: z.string().nullable(),
  instance: z.string().nullable(),
  requested: z.boolean(),
  feedback: z.object({
    unlearned: z.int(),
    rows: z.int(),
    unpaired: z.int(),
    unusable: z.int(),
    duplicates: z.int(),
    contradicted: z.int(),
  }),
  waits_for: z.array(waitSchema),
  progress: z
    .object({
      label: z.string(),
      done: z.number(),
      total: z.number(),
      unit: z.string(),
      note: z.string(),
      at: time,
    })
    .nullable(),
  settings: z.unknown(),
});
/** What a learner waits for, for people and programs. */
export type Wait = z.output<typeof waitSchema>;
export type LearnerState = z.output<typeof stateSchema>;

const versionSignal = z.object({ answers: z.int(), errors: z.int(), rated: z.int(), bad: z.int() });
const share = z.object({ hits: z.int(), count: z.int() });

export const candidateSchema = z.object({
  object: z.literal('learner.candidate'),
  id: z.string(),
  task: z.string(),
  state: z.enum(STATES),
  trigger: z.enum(['threshold', 'schedule', 'request']),
  created_at: time,
  state_at: time,
  feedback: z.int(),
  rows: z.int(),
  attempts: z.int(),
  from_version: z.int().nullable(),
  version: z.int().nullable(),
  model: z.string().nullable(),
  commit: z.string().nullable(),
  error: z.string().nullable(),
  reason: z.string().nullable(),
  gate: gateSchema
    .extend({ before: scoresByTask, after: scoresByTask })
    .nullable()
    .meta({ description: "The gate's table, as `learn --json` has it; null in lists." }),
  shadow: z
    .object({
      prompts: z.int(),
      compared: z.int(),
      failed: z.int(),
      serving_tokens: z.number().nullable(),
      candidate_tokens: z.number().nullable(),
      length_ratio: z.number().nullable(),
      exact: z.number().nullable(),
      similarity: z.number().nullable(),
      reward: z.object({ estimate: z.number(), low: z.number(), high: z.number() }).nullable(),
    })
    .nullable(),
  canary: z
    .object({
      since: time,
      share: z.number(),
      serving: versionSignal,
      candidate: versionSignal,
      looks: z.record(z.string(), z.int()),
      tests: z.array(
        z.object({
          at: time,
          signal: z.enum(['ratings', 'errors']),
          look: z.int(),
          serving: share,
          candidate: share,
          p_value: z.number(),
          level: z.number(),
          worse: z.boolean(),
        }),
      ),
    })
    .nullable(),
});
export type CandidateState = z.output<typeof candidateSchema>;

export const decisionSchema = z.object({
  id: z.string(),
  at: z.int(),
  actor: z.string(),
  action: z.string(),
  candidate: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  detail: z.record(z.string(), z.unknown()),
});
export type Decision = z.output<typeof decisionSchema>;

const answerSchema = z.object({ text: z.string(), tokens: z.int() }).nullable();
export const comparisonSchema = z.object({
  position: z.int(),
  at: z.int(),
  prompt: z.array(z.unknown()),
  serving: answerSchema,
  candidate: answerSchema,
  equal: z.boolean(),
  similarity: z.number(),
  reward: z.number().nullable(),
});
export type Comparison = z.output<typeof comparisonSchema>;
