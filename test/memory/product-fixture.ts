/** What oracle/consolidate_product_numpy.py writes to fixtures/consolidate-product.json. */
import { readFileSync } from 'node:fs';
import type { ModuleFactors } from '../../src/memory/consolidate-product.ts';
import { ProductHistory } from '../../src/memory/product-history.ts';
import { type FixtureMatrix, tensor } from './fixture.ts';

interface FixtureFactors {
  readonly b: FixtureMatrix;
  readonly a: FixtureMatrix;
}

export interface ProductCase {
  readonly name: string;
  readonly threshold: number;
  readonly lambda: number;
  readonly before: FixtureFactors;
  readonly after: FixtureFactors;
  readonly history: readonly FixtureFactors[];
  readonly expected: {
    readonly kept_rank: number;
    readonly history_rank: number;
    readonly singular_values: readonly number[];
    readonly parallel_energy: number;
    /** Whole products. */
    readonly long_term: FixtureMatrix;
    readonly lost: number;
    readonly refined: FixtureMatrix;
    readonly refined_lost: number;
  };
}

const file = new URL('./fixtures/consolidate-product.json', import.meta.url);

export const { cases: productCases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: ProductCase[] };

export const factors = ({ b, a }: FixtureFactors): ModuleFactors => ({ b: tensor(b), a: tensor(a) });

export function productHistory(memories: readonly ModuleFactors[]): ProductHistory {
  const history = new ProductHistory();
  for (const { b, a } of memories) history.append(b, a);
  return history;
}

/** B·A written out, row-major. */
export function product({ b, a }: ModuleFactors): number[] {
  const [out, rank] = b.shape;
  const inner = a.shape[1];
  const result = new Array<number>(out * inner).fill(0);
  for (let row = 0; row < out; row++) {
    for (let r = 0; r < rank; r++) {
      for (let column = 0; column < inner; column++) {
        result[row * inner + column]! += b.data[row * rank + r]! * a.data[r * inner + column]!;
      }
    }
  }
  return result;
}
