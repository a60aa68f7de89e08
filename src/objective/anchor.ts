/**
 * Keeps a policy near to what it was: the two responses of a row are its own former answers to one prompt, and
 *
 *     weight · mean over both of ½ (logp − logp_then)² / tokens
 *
 * For answers drawn from the former policy the mean of ½ (logp − logp_then)² is, near it, the divergence
 * KL(former ‖ policy) of whole answers, to second order; the division makes it one per token. Unlike the likelihood of
 * the drawn answers it has no slope where the policy has not moved, whichever answers happened to be drawn. It is a
 * method's part (see method/), not a config's objective: it prefers nothing.
 */
import { add, divide, multiply, scale, subtract } from '../tensor/functions.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Objective } from './objective.ts';
import { settingsKey } from './settings.ts';

/** Per-row constants: sequence log-probs of both responses under the policy as the task found it. */
export const TASK_START_CONSTANTS = ['task_start_chosen', 'task_start_rejected'] as const;

export function anchor(weight: number): Objective {
  const drift = (logp: Tensor, then: Tensor, tokens: Tensor) => {
    const moved = subtract(logp, then);
    return divide(multiply(moved, moved), tokens);
  };
  const settings = { name: 'anchor', weight };
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: TASK_START_CONSTANTS,
    expression: ({ chosenLogp, rejectedLogp, chosenLength, rejectedLength, constant }) => {
      const [chosenThen, rejectedThen] = TASK_START_CONSTANTS;
      const one = drift(chosenLogp, constant(chosenThen), chosenLength);
      const other = drift(rejectedLogp, constant(rejectedThen), rejectedLength);
      return scale(add(one, other), weight / 4);
    },
  };
}
