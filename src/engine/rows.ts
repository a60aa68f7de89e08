/** What all engines do with the rows of a request, whoever computes: lengths checked, log-probs put in place. */
import type { DecoderConfig } from '../model/config.ts';
import { UserError } from '../support/errors.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { GradientRequest, RowLogProbs } from './engine.ts';
import { type Responses, responsesOf } from './packing.ts';

/**
 * Beyond its positions a model computes something, but nothing it was trained for.
 * @throws {UserError} for the first row that is longer
 */
export function checkLengths(
  rows: readonly EncodedRow[],
  responses: Responses,
  { maxPositions }: Pick<DecoderConfig, 'maxPositions'>,
): void {
  for (const row of rows) {
    const longest = row.prompt.length + Math.max(...responsesOf(row, responses).map(({ length }) => length));
    if (longest <= maxPositions) continue;
    throw new UserError(
      `a sequence of ${longest} tokens is longer than the model's ${maxPositions} positions`,
    );
  }
}

/** By what the sum of the row losses is divided. */
export function normaliser({ rows, objective }: Pick<GradientRequest, 'rows' | 'objective'>): number {
  return objective.normalizer === 'rows'
    ? rows.length
    : rows.reduce((total, row) => total + row.chosen.length, 0);
}

export function emptyLogProbs(rows: number): RowLogProbs {
  return { chosen: new Float64Array(rows), rejected: new Float64Array(rows) };
}

/** @param logps of the rows at `indices`, in a packed batch's order: a row's responses one after another */
export function storeLogProbs(
  target: RowLogProbs,
  indices: readonly number[],
  logps: ArrayLike<number>,
  responses: Responses,
): void {
  const width = responses === 'pair' ? 2 : 1;
  indices.forEach((index, at) => {
    target.chosen[index] = logps[at * width]!;
    if (responses === 'pair') target.rejected[index] = logps[at * width + 1]!;
  });
}
