/** The vocabulary graphs are written in. */
export { attention } from './operations/attention.ts';
export { broadcastLike, sum } from './operations/broadcast.ts';
export { cachedAttention } from './operations/cached-attention.ts';
export {
  add,
  divide,
  exp,
  lessOrEqual,
  log,
  multiply,
  negate,
  relu,
  scale,
  sigmoid,
  silu,
  softplus,
  sqrt,
  subtract,
  where,
} from './operations/elementwise.ts';
export { gatherRows, pick, scatterAddRows } from './operations/gather.ts';
export { matmul } from './operations/matrix.ts';
export { logSoftmax, rmsNorm, softmax } from './operations/normalise.ts';
export { frozenMatmul } from './operations/quantised-matrix.ts';
export { region } from './operations/region.ts';
export { rotary } from './operations/rotary.ts';
export { barrier, concat, permute, reshape, split, zerosLike } from './operations/shape.ts';
export { constant, input, scalar, sizeOf, weight } from './operations/source.ts';
export { tokenLogProbs } from './operations/token-log-probs.ts';
