/** Whether what was written gives the log-probs of base and adapter, on a few pairs of the built-in tasks. */
import { builtinTasks } from '../data/builtin/index.ts';
import { builtinRows } from '../data/builtin/rows.ts';
import type { RowLogProbs } from '../engine/engine.ts';
import type { FloatFormat } from '../model/weights/float-formats.ts';
import { UserError } from '../support/errors.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import { encodeRows } from '../text/segments.ts';
import type { TextModel } from '../text/text-model.ts';

/**
 * The largest difference that passes, in nats per token of a response: about ten times what rounding made of merged
 * random models and of SmolLM2. Float32 leaves what different orders of summation leave.
 */
export const TOLERANCES: Readonly<Record<FloatFormat, number>> = {
  float32: 1e-4,
  float16: 1e-2,
  bfloat16: 5e-2,
};

/**
 * One pair of each built-in task as this text side encodes it.
 *
 * @throws {UserError} for a model too short, or a vocabulary too small, for every one of them
 */
export function verificationRows(text: TextModel, maxPositions: number): readonly EncodedRow[] {
  const rows = builtinTasks
    .flatMap((task) => builtinRows(task, 'test', 1, 0))
    .map(({ query, chosen, rejected }, index) => {
      return { index, prompt: [{ role: 'user', content: query }], chosen, rejected };
    });
  const options = { file: 'built-in pairs', maxLength: maxPositions, invalidRows: 'skip' } as const;
  const { encoded, skipped } = encodeRows(rows, text, options);
  if (encoded.length > 0) return encoded;
  const reason = skipped[0]?.problem;
  throw new UserError(`the model takes none of the pairs that exports are verified on: ${reason}`);
}

/** The largest difference in nats per response token; NaN where there is one, which no tolerance passes. */
export function largestDifference(rows: readonly EncodedRow[], one: RowLogProbs, other: RowLogProbs): number {
  let largest = 0;
  for (const [at, row] of rows.entries()) {
    for (const side of ['chosen', 'rejected'] as const) {
      const difference = Math.abs(one[side][at]! - other[side][at]!) / row[side].length;
      // Math.max, unlike a comparison, keeps NaN.
      largest = Math.max(largest, difference);
    }
  }
  return largest;
}

/** The same tokens in the same places: the tokenizer and template that were written are the base's. */
export function areSameRows(one: readonly EncodedRow[], other: readonly EncodedRow[]): boolean {
  const text = (rows: readonly EncodedRow[]) =>
    JSON.stringify(rows.map(({ prompt, chosen, rejected }) => [[...prompt], [...chosen], [...rejected]]));
  return text(one) === text(other);
}
