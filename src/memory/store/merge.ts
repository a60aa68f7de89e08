/** How a refined memory joins the long-term memory: the one rule by which commits are made, rebuilt and composed. */
import { type LoraAdapter, mapAdapter } from '../../model/adapter.ts';
import { UserError } from '../../support/errors.ts';
import { checkSameMatrices } from '../consolidate-adapter.ts';
import type { ConsolidationSpace } from '../spaces.ts';

/**
 * LM + RSM, rounded to float32 number by number. Where consolidation computes the same sum in float64 from what
 * training left, the last bit may differ; this one can be repeated from what the memory keeps.
 *
 * @throws {UserError} naming a tensor in which the two differ.
 */
export function mergeRefined(
  longTerm: LoraAdapter,
  refined: LoraAdapter,
  space: ConsolidationSpace,
): LoraAdapter {
  checkSameMatrices(longTerm, refined, 'the long-term memory', 'the refined memory');
  if (space === 'product') throw new UserError('a memory merges matrix by matrix; found the space "product"');
  return mapAdapter(longTerm, ({ data }, name) => {
    const added = refined.tensors.get(name)!.data;
    return data.map((value, at) => value + added[at]!);
  });
}
