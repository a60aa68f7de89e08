/** What a memory's config says under `gate` and `search`: what an update may cost, and what is tried when it costs more. */
import * as z from 'zod';

const share = z.number().min(0).max(1);

/** What budget and gain are counted in: percentage points of an accuracy, or nats of the mean margin. */
export const gateScores = ['preference_accuracy', 'reward_accuracy', 'margin'] as const;
export type GateScore = (typeof gateScores)[number];

/**
 * Who has to show what. `significance`: a loss counts where the gate rows show that there is one and the estimate is
 * beyond the budget. `non-inferiority`: an update counts as harmless only where the gate rows show that the loss is
 * within the budget.
 */
export const gateRules = ['significance', 'non-inferiority'] as const;
export type GateRule = (typeof gateRules)[number];

export const gateSchema = z.strictObject({
  score: z.enum(gateScores).default('preference_accuracy'),
  /** What each earlier task may lose since it was learned. */
  budget: z.number().min(0).default(5),
  /** The same for single tasks, by name. */
  budgets: z.record(z.string(), z.number().min(0)).default({}),
  /** What the new task has to gain over the memory before it; null: nothing is asked. */
  min_gain: z.number().nullable().default(0),
  /** The most drift from the base on neutral prompts, in nats per token; null: no limit. */
  max_drift: z.number().positive().nullable().default(0.5),
  rule: z.enum(gateRules).default('significance'),
  /** Coverage of the intervals. */
  level: z.number().gt(0.5).lt(1).default(0.95),
  /** How often rows are redrawn for the intervals of margins and of the drift. */
  resamples: z.int().min(100).default(10_000),
});
export type GateSettings = z.output<typeof gateSchema>;

/** A grid; null: nothing is searched. */
export const searchSchema = z
  .strictObject({
    lambda: z.array(share).min(1).default([0.5, 0.25, 0]),
    threshold: z.array(z.number().positive().max(1)).min(1).default([0.9, 0.7, 0.5]),
    /** What the refined memories of both stages are multiplied with; the paper has no such factor. */
    scale: z.array(z.number().positive().max(1)).min(1).default([1, 0.5, 0.25]),
    /**
     * Of the new task's gain under the config's settings, the share that has to be left: an update that is harmless
     * because next to nothing of it is left is no update. Beside `gate.min_gain`, and like it off where that is null.
     */
    keep_gain: share.default(0.5),
  })
  .nullable();
export type SearchSettings = NonNullable<z.output<typeof searchSchema>>;
