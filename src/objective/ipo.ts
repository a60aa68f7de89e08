/** Identity preference optimization. [Azar et al. 2023, arXiv:2310.12036, eq. 17] */
import * as z from 'zod';
import { divide, multiply, scalar, subtract } from '../tensor/functions.ts';
import { chosenLogRatio, REFERENCE_CONSTANTS, rejectedLogRatio } from './log-ratio.ts';
import type { Objective } from './objective.ts';
import { beta, settingsKey } from './settings.ts';

export const ipoSettings = z.strictObject({
  name: z.literal('ipo'),
  /** The regularisation, τ in the paper: the log-ratio difference is drawn to 1 / (2 · beta). */
  beta: beta.default(0.1),
  /**
   * Log-ratios per token, as the paper's authors ran it and TRL computes it, so that beta means the
   * same for short and long responses; false takes the sums the paper's text writes.
   */
  length_normalized: z.boolean().default(true),
});

/** (chosen log-ratio − rejected log-ratio − 1 / (2 · beta))². */
export function ipo(settings: z.infer<typeof ipoSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: REFERENCE_CONSTANTS,
    expression: (inputs) => {
      const [chosen, rejected] = [chosenLogRatio(inputs), rejectedLogRatio(inputs)];
      const difference = settings.length_normalized
        ? subtract(divide(chosen, inputs.chosenLength), divide(rejected, inputs.rejectedLength))
        : subtract(chosen, rejected);
      const distance = subtract(difference, scalar(1 / (2 * settings.beta)));
      return multiply(distance, distance);
    },
  };
}
