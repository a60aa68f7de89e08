/** Odds-ratio preference optimization, without a reference policy. [Hong et al. 2024, arXiv:2403.07691, eq. 6, 7] */
import * as z from 'zod';
import { add, exp, log, relu, scalar, scale, subtract } from '../tensor/functions.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { negativeLogSigmoid } from './log-ratio.ts';
import { meanLogProbs } from './mean-log-probs.ts';
import type { Objective } from './objective.ts';
import { nonNegative, settingsKey } from './settings.ts';

export const orpoSettings = z.strictObject({
  name: z.literal('orpo'),
  /** The weight of the odds-ratio term; TRL calls it beta. */
  lambda: nonNegative.default(0.1),
});

/**
 * −mean chosen log-prob − lambda · log sigmoid(log odds(chosen) − log odds(rejected)), where odds are
 * P / (1 − P) of P = exp(mean log-prob), means over the response's tokens.
 *
 * The SFT term is the row's mean over its response, as the paper has it. TRL's averages over all tokens
 * of the micro-batch, those of the prompts too.
 */
export function orpo(settings: z.infer<typeof orpoSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: [],
    expression: (inputs) => {
      const { chosen, rejected } = meanLogProbs(inputs);
      const logOddsRatio = subtract(logOdds(chosen), logOdds(rejected));
      return subtract(scale(negativeLogSigmoid(logOddsRatio), settings.lambda), chosen);
    },
  };
}

/**
 * 1 − P is kept from 0: in float32 P rounds to 1 where the mean log-prob is above −6e-8, and the odds
 * would be infinite and their gradient NaN. Beyond the floor the odds no longer change.
 */
const SMALLEST_COMPLEMENT = 1e-6;

/** log (P / (1 − P)) of P = exp(mean log-prob). */
function logOdds(meanLogp: Tensor): Tensor {
  const complement = subtract(scalar(1), exp(meanLogp));
  const floored = add(relu(subtract(complement, scalar(SMALLEST_COMPLEMENT))), scalar(SMALLEST_COMPLEMENT));
  return subtract(meanLogp, log(floored));
}
