/** Simple preference optimization, without a reference policy. [Meng et al. 2024, arXiv:2405.14734, eq. 6] */
import * as z from 'zod';
import { scalar, scale, subtract } from '../tensor/functions.ts';
import { negativeLogSigmoid, withLabelSmoothing } from './log-ratio.ts';
import { meanLogProbs } from './mean-log-probs.ts';
import type { Objective } from './objective.ts';
import { beta, labelSmoothing, nonNegative, settingsKey } from './settings.ts';

export const simpoSettings = z.strictObject({
  name: z.literal('simpo'),
  beta: beta.default(2),
  /** The margin the chosen response's reward must lead by. */
  gamma: nonNegative.default(1),
  label_smoothing: labelSmoothing,
});

/**
 * −log sigmoid(beta · (mean chosen log-prob − mean rejected log-prob) − gamma), means over tokens.
 * Label smoothing as TRL's CPO trainer applies it to SimPO: the margin is part of what is negated.
 */
export function simpo(settings: z.infer<typeof simpoSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: [],
    expression: (inputs) => {
      const { chosen, rejected } = meanLogProbs(inputs);
      const r = subtract(scale(subtract(chosen, rejected), settings.beta), scalar(settings.gamma));
      return withLabelSmoothing(negativeLogSigmoid, r, settings.label_smoothing);
    },
  };
}
