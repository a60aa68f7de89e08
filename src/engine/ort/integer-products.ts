/**
 * Whether this processor multiplies 8-bit integers exactly. Older ones add pairs of products in 16 bits, which
 * overflow without a word; a small product with the largest numbers there are shows it.
 */

import { UserError } from '../../support/errors.ts';
import { input } from '../../tensor/functions.ts';
import { LEVELS, quantisedMatmulOperation } from '../../tensor/operations/quantised-matrix.ts';
import { applySingle } from '../../tensor/tensor.ts';
import { createSession } from './session.ts';

const SIZE = 64;

let checked: Promise<boolean> | undefined;

/** @throws {UserError} where 8-bit products are not exact. */
export async function checkIntegerProducts(): Promise<void> {
  checked ??= isExact();
  if (await checked) return;
  throw new UserError(
    'a backward pass in int8 needs a processor that multiplies 8-bit integers exactly (AVX512-VNNI, AVX-VNNI, ' +
      'AMX); this one does not: set backward: float32',
  );
}

async function isExact(): Promise<boolean> {
  const product = applySingle(
    quantisedMatmulOperation,
    [input('x', [SIZE, SIZE]), input('w', [SIZE, SIZE], 'int8'), input('scales', [SIZE])],
    {},
  );
  const session = await createSession({ product }, new Map());
  try {
    const shape = [SIZE, SIZE];
    const { product: found } = await session.run({
      x: { data: new Float32Array(SIZE * SIZE).fill(1), shape },
      w: { data: new Int8Array(SIZE * SIZE).fill(LEVELS), shape },
      scales: { data: new Float32Array(SIZE).fill(1), shape: [SIZE] },
    });
    return found!.every((value) => Math.abs(value - SIZE * LEVELS) < 1e-3 * SIZE * LEVELS);
  } finally {
    await session.release();
  }
}
