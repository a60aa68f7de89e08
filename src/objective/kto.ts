/** Kahneman-Tversky optimization on paired rows. [Ethayarajh et al. 2024, arXiv:2402.01306, eq. 7, 8] */
import * as z from 'zod';
import { add, negate, scale, sigmoid, subtract } from '../tensor/functions.ts';
import { chosenLogRatio, REFERENCE_CONSTANTS, rejectedLogRatio } from './log-ratio.ts';
import type { Objective } from './objective.ts';
import { beta, nonNegative, settingsKey } from './settings.ts';

export const ktoSettings = z.strictObject({
  name: z.literal('kto'),
  beta: beta.default(0.1),
  desirable_weight: nonNegative.default(1),
  undesirable_weight: nonNegative.default(1),
});

/**
 * Half the sum of desirable_weight · (1 − sigmoid(beta · (chosen log-ratio − kl))) and
 * undesirable_weight · (1 − sigmoid(beta · (kl − rejected log-ratio))): each pair counts as one desirable
 * and one undesirable example, so the mean over rows is the mean over examples.
 *
 * `kl`, the reference point, is a constant of the effective batch without a gradient: `klEstimate` in
 * kl-estimate.ts, given for every row.
 */
export function kto(settings: z.infer<typeof ktoSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: [...REFERENCE_CONSTANTS, 'kl'],
    expression: (inputs) => {
      const kl = inputs.constant('kl');
      const gain = scale(subtract(chosenLogRatio(inputs), kl), settings.beta);
      const loss = scale(subtract(kl, rejectedLogRatio(inputs)), settings.beta);
      return add(
        scale(sigmoid(negate(gain)), settings.desirable_weight / 2),
        scale(sigmoid(negate(loss)), settings.undesirable_weight / 2),
      );
    },
  };
}
