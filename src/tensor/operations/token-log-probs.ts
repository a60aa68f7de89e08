/** The language-model head fused with the log-softmax: no logit outlives the forward pass. */
import { printShape, sameShape } from '../dimension.ts';
import type { Operation, Value } from '../operation.ts';
import { applyOperation, expectDataTypes, type Tensor, type TensorType } from '../tensor.ts';
import { exp, multiply, subtract } from './elementwise.ts';
import { gatherRows, pick } from './gather.ts';
import { matmul } from './matrix.ts';
import { logSoftmax } from './normalise.ts';
import { barrier } from './shape.ts';

const logProbabilities = (hidden: Tensor, head: Tensor) =>
  logSoftmax(matmul(hidden, head, { transposeB: true }));

export const tokenLogProbsOperation: Operation<Record<never, never>> = {
  name: 'tokenLogProbs',
  shape: (inputs) => {
    expectDataTypes('tokenLogProbs', inputs, ['float32', 'float32', 'int64']);
    const [h, w, t] = inputs as [TensorType, TensorType, TensorType];
    const fits =
      h.shape.length === 2 &&
      w.shape.length === 2 &&
      h.shape[1] === w.shape[1] &&
      sameShape(t.shape, h.shape.slice(0, 1));
    if (!fits) {
      throw new Error(`token log-probs of ${inputs.map(({ shape }) => printShape(shape)).join(', ')}`);
    }
    return [{ shape: [h.shape[0]!, 1], dataType: 'float32' }, h];
  },
  gradient: (node, [cotangent, second], needs) => {
    if (second || needs[1]) throw new Error('tokenLogProbs is for a frozen head and one backward pass');
    return [multiply(cotangent as Tensor, node.outputs[1] as Tensor), null, null];
  },
  lower: (node, lowering) => {
    const [hidden, head, targets] = node.inputs as [Tensor, Tensor, Tensor];
    const logps = logProbabilities(hidden, head);
    // d logp(target) / d hidden = W[target] − Σ_v p(v) W[v]
    const picked = pick(logps, targets);
    const sensitivity = subtract(gatherRows(head, targets), matmul(exp(logps), head));
    if (!lowering.isUsed(node as never, 1)) return [lowering.nameOf(picked), ''];
    // The runtime orders nodes by what needs them: left to itself it picks from all pieces of the head, for the loss,
    // before it makes the first gradient, and has all their logits until then.
    return [lowering.nameOf(barrier(picked, sensitivity)), lowering.nameOf(sensitivity)];
  },
  evaluate: ([hidden, head, targets]) => {
    const [rows, size] = (hidden as Value).shape as [number, number];
    const vocabulary = (head as Value).shape[0] as number;
    const logps = new Float64Array(rows);
    const sensitivity = new Float64Array(rows * size);
    for (let row = 0; row < rows; row++) {
      const logits = Array.from({ length: vocabulary }, (_, word) => {
        let dot = 0;
        for (let d = 0; d < size; d++)
          dot += (hidden as Value).data[row * size + d]! * (head as Value).data[word * size + d]!;
        return dot;
      });
      const largest = Math.max(...logits);
      const normaliser =
        largest + Math.log(logits.reduce((total, logit) => total + Math.exp(logit - largest), 0));
      const target = (targets as Value).data[row]!;
      logps[row] = logits[target]! - normaliser;
      for (let word = 0; word < vocabulary; word++) {
        const weight = (word === target ? 1 : 0) - Math.exp(logits[word]! - normaliser);
        for (let d = 0; d < size; d++)
          sensitivity[row * size + d]! += weight * (head as Value).data[word * size + d]!;
      }
    }
    return [
      { shape: [rows, 1], data: logps },
      { shape: [rows, size], data: sensitivity },
    ];
  },
};

/**
 * log softmax(hidden · headᵀ) at the targets. hidden [rows, size], head [vocabulary, size] (frozen),
 * targets int64 [rows]; returns [rows, 1]. The gradient with respect to hidden needs no cotangent but a
 * factor per row, so it is made together with the value, and logits never wait for the backward pass.
 */
export function tokenLogProbs(hidden: Tensor, head: Tensor, targets: Tensor): Tensor {
  return applyOperation(tokenLogProbsOperation, [hidden, head, targets], {})[0] as Tensor;
}
