/** What oracle/consolidate_numpy.py writes to fixtures/consolidate.json. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { LoraTensor } from '../../src/model/adapter.ts';

export interface FixtureMatrix {
  readonly shape: [number, number];
  readonly data: number[];
}

export interface FixtureCase {
  readonly name: string;
  readonly threshold: number;
  readonly lambda: number;
  readonly before: FixtureMatrix;
  readonly after: FixtureMatrix;
  readonly history: FixtureMatrix[];
  readonly expected: {
    readonly kept_rank: number;
    readonly history_rank: number;
    readonly singular_values: number[];
    readonly refined: FixtureMatrix;
    readonly long_term: FixtureMatrix;
  };
}

const file = new URL('./fixtures/consolidate.json', import.meta.url);

export const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: FixtureCase[] };

export const tensor = ({ shape, data }: FixtureMatrix): LoraTensor => ({
  shape,
  data: Float32Array.from(data),
});

/** Within 1e-5 of the largest expected value. */
export function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  const scale = Math.max(...expected.map(Math.abs));
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] as number))));
  expect(worst).toBeLessThanOrEqual(1e-5 * scale);
}
