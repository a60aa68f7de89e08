/**
 * LifeAlign without a replay buffer: no row of a task is kept once the task is done. In its place the policy is held
 * near to what it was when the task began, on prompts that the base makes up and its own answers to them: where the
 * paper leaves a variant without stored rows open. Focal loss and consolidation are LifeAlign's. What is held is the
 * SFT stage, or, where it is left out, the preference stage.
 *
 * What is kept of earlier tasks is the adapter and, for consolidation, its refined memories. Training examples can be
 * remembered by weights too: this is no guarantee of privacy in the sense of differential privacy.
 */
import * as z from 'zod';
import { consolidating, paperConsolidation } from './lifealign.ts';
import { defineMethod } from './method.ts';

export const lifealignRehearsalFree = defineMethod({
  name: 'lifealign-rehearsal-free',
  description: 'LifeAlign without stored rows: anchored to its own answers to prompts that the base makes up',
  defaults: { objective: { name: 'fpo' }, replay: 'never', consolidation: paperConsolidation },
  settings: z.strictObject({
    /** Of the divergence per token from the policy as the task found it. */
    weight: z.number().nonnegative().default(0.3),
    /** Prompts drawn for a task, and how many of them are in each step. */
    rows: z.int().positive().default(64),
    batch_size: z.int().positive().default(4),
    /** Of each prompt, and of each answer to it. */
    max_new_tokens: z.int().positive().default(64),
  }),
  begin: ({ weight, rows, batch_size: batchSize, max_new_tokens: maxNewTokens }, context) => ({
    ...consolidating(context),
    anchors: { weight, rows, batchSize, maxNewTokens },
  }),
});
