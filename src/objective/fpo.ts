/** Focalized preference optimization: LifeAlign's preference stage. [arXiv:2509.17183, eq. 4] */
import * as z from 'zod';
import { exp, multiply, scale, softplus } from '../tensor/functions.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { negativeLogSigmoid, REFERENCE_CONSTANTS, rewardMargin, withLabelSmoothing } from './log-ratio.ts';
import type { Objective } from './objective.ts';
import { beta, labelSmoothing, nonNegative, settingsKey } from './settings.ts';

export const fpoSettings = z.strictObject({
  name: z.literal('fpo'),
  beta: beta.default(0.1),
  gamma: nonNegative.default(2),
  label_smoothing: labelSmoothing,
});

/**
 * −(1 − p)^gamma · log p with p = sigmoid(r), r the reward margin. The gradient flows through both
 * factors: dL/dr = (1 − p)^gamma · (gamma · p · log p − (1 − p)). With gamma 0 it is DPO.
 *
 * Label smoothing is not in the paper; it takes the loss of both labels as conservative DPO does.
 */
export function fpo(settings: z.infer<typeof fpoSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: REFERENCE_CONSTANTS,
    focalFactor: (margin) => (1 / (1 + Math.exp(margin))) ** settings.gamma,
    expression: (inputs) =>
      withLabelSmoothing(
        (r) => focalLoss(r, settings.gamma),
        rewardMargin(inputs, settings.beta),
        settings.label_smoothing,
      ),
  };
}

/** log(1 − p) = −softplus(r), so the factor neither overflows nor takes a power of zero. */
function focalLoss(r: Tensor, gamma: number): Tensor {
  const logistic = negativeLogSigmoid(r);
  return gamma === 0 ? logistic : multiply(exp(scale(softplus(r), -gamma)), logistic);
}
