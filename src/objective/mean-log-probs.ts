/** What the length-normalised, reference-free objectives have in common. */
import { divide } from '../tensor/functions.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ObjectiveInputs } from './objective.ts';

/** Log-probs per response token, nats, [rows] each. */
export function meanLogProbs(inputs: ObjectiveInputs): { chosen: Tensor; rejected: Tensor } {
  return {
    chosen: divide(inputs.chosenLogp, inputs.chosenLength),
    rejected: divide(inputs.rejectedLogp, inputs.rejectedLength),
  };
}
