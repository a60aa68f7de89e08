/** From a packed batch to the log-probability of every response. */
import { concat, logSoftmax, matmul, pick, reshape, split, tokenLogProbs } from '../../tensor/functions.ts';
import { inPart } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { DecoderConfig } from '../config.ts';
import { decoderLayers, finalNorm, headWeight, type Recompute } from './decoder.ts';
import { type BatchInputs, responseCount } from './layout.ts';
import type { Parameters } from './parameters.ts';

/**
 * Sums of the response tokens' log-probs, [pairs · responses]: vocabulary logits are made on response
 * positions only, a piece at a time.
 */
export function sequenceLogProbs(
  config: DecoderConfig,
  batch: BatchInputs,
  parameters: Parameters,
  recompute: Recompute = 'nothing',
): Tensor {
  const hidden = finalNorm(decoderLayers(config, batch, parameters, recompute), config, parameters);
  return inPart('lm_head', () => responseLogProbs(hidden, config, batch, parameters));
}

function responseLogProbs(
  hidden: Tensor,
  config: DecoderConfig,
  batch: BatchInputs,
  parameters: Parameters,
): Tensor {
  const head = headWeight(config, parameters);
  const trainsHead = parameters.isTrained(
    config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight',
  );
  const targets = split(batch.targets, batch.headDimensions, 0, batch.headSizes);
  const pieces = split(hidden, batch.headDimensions, 0, batch.headSizes).map((piece, at) =>
    trainsHead
      ? pick(logSoftmax(matmul(piece, head, { transposeB: true })), targets[at] as Tensor)
      : tokenLogProbs(piece, head, targets[at] as Tensor),
  );
  const sums = matmul(batch.membership, concat(pieces, 0));
  return reshape(sums, [responseCount(batch.options)]);
}
