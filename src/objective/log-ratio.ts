/** What the objectives that compare with a reference policy have in common. */
import { add, negate, scale, softplus, subtract } from '../tensor/functions.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ObjectiveInputs } from './objective.ts';

/** Per-row constants: sequence log-probs under the reference policy. */
export const REFERENCE_CONSTANTS = ['reference_chosen', 'reference_rejected'] as const;

/** log π(y|x) − log π_ref(y|x) of the chosen response, [rows]. */
export function chosenLogRatio(inputs: ObjectiveInputs): Tensor {
  return subtract(inputs.chosenLogp, inputs.constant('reference_chosen'));
}

/** log π(y|x) − log π_ref(y|x) of the rejected response, [rows]. */
export function rejectedLogRatio(inputs: ObjectiveInputs): Tensor {
  return subtract(inputs.rejectedLogp, inputs.constant('reference_rejected'));
}

/** r = beta · (chosen log-ratio − rejected log-ratio): the implied reward margin, [rows]. */
export function rewardMargin(inputs: ObjectiveInputs, beta: number): Tensor {
  return scale(subtract(chosenLogRatio(inputs), rejectedLogRatio(inputs)), beta);
}

/** −log sigmoid(x) as softplus(−x), finite for every finite x. */
export function negativeLogSigmoid(x: Tensor): Tensor {
  return softplus(negate(x));
}

/**
 * The expected loss when a label is the wrong way round with probability `smoothing`:
 * (1 − ε) · loss(r) + ε · loss(−r). For `negativeLogSigmoid` this is conservative DPO. [Mitchell 2023]
 */
export function withLabelSmoothing(loss: (r: Tensor) => Tensor, r: Tensor, smoothing: number): Tensor {
  if (smoothing === 0) return loss(r);
  return add(scale(loss(r), 1 - smoothing), scale(loss(negate(r)), smoothing));
}
