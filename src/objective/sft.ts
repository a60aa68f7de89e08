/** Supervised fine-tuning on the chosen responses: the first stage of a task. */
import * as z from 'zod';
import { negate } from '../tensor/functions.ts';
import type { Objective } from './objective.ts';
import { settingsKey } from './settings.ts';

export const sftSettings = z.strictObject({ name: z.literal('sft') });

/**
 * The mean negative log-prob over all chosen tokens of the effective batch, so that a long response
 * weighs more than a short one.
 */
export function sft(settings: z.infer<typeof sftSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'chosen',
    normalizer: 'chosen_tokens',
    constants: [],
    expression: ({ chosenLogp }) => negate(chosenLogp),
  };
}
