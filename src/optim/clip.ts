/** Gradient clipping by global norm, the last thing done to gradients before the optimizer sees them. */

/** The 2-norm over all tensors taken as one vector, summed in double precision. */
export function globalNorm(gradients: ReadonlyMap<string, Float32Array>): number {
  let sum = 0;
  for (const gradient of gradients.values()) {
    for (const value of gradient) sum += value * value;
  }
  return Math.sqrt(sum);
}

/**
 * Scales all gradients by min(1, maxNorm / (norm + 1e-6)), as `torch.nn.utils.clip_grad_norm_` does.
 * Returns new arrays where it scales, the given ones where it does not, and the norm before clipping.
 */
export function clipGlobalNorm(
  gradients: ReadonlyMap<string, Float32Array>,
  maxNorm: number,
): { readonly norm: number; readonly gradients: ReadonlyMap<string, Float32Array> } {
  const norm = globalNorm(gradients);
  const factor = maxNorm / (norm + 1e-6);
  // Written so that a norm that is not a number passes through and is seen by the caller.
  if (!(factor < 1)) return { norm, gradients };
  const clipped = Array.from(gradients, ([name, gradient]): [string, Float32Array] => [
    name,
    gradient.map((value) => value * factor),
  ]);
  return { norm, gradients: new Map(clipped) };
}
