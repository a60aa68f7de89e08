/** Values and gradients against TRL's own loss code, and values against the papers' formulas in torch. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createObjective } from '../../src/objective/index.ts';
import { klEstimate, unmatchedRows } from '../../src/objective/kl-estimate.ts';
import { evaluateObjective } from './evaluate-objective.ts';

const FIXTURES = new URL('../parity/fixtures/', import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8'));

interface Case {
  readonly settings: { readonly name: string };
  readonly through: string;
  readonly loss: number;
  readonly chosen_gradient: readonly number[];
  readonly rejected_gradient: readonly number[];
}

describe('TRL', () => {
  const trl = read('trl.json');
  const rows: number = trl.chosen.length;
  const batch = {
    chosen: trl.chosen,
    rejected: trl.rejected,
    chosenLength: trl.chosen_length,
    rejectedLength: trl.rejected_length,
    constants: {
      reference_chosen: trl.reference_chosen,
      reference_rejected: trl.reference_rejected,
      kl: new Array(rows).fill(trl.kl),
    },
  };
  const cases: readonly Case[] = trl.cases;

  it.each(cases.map((one) => [`${JSON.stringify(one.settings)} through ${one.through}`, one] as const))(
    '%s',
    (_, one) => {
      const ours = evaluateObjective(createObjective(one.settings), batch);
      // Some of TRL's losses pass through float32 on their way.
      const tolerance = 2e-6;
      expect(Math.abs(ours.loss - one.loss)).toBeLessThan(tolerance * (1 + Math.abs(one.loss)));
      for (const [mine, theirs] of [
        [ours.chosenGradient, one.chosen_gradient],
        [ours.rejectedGradient, one.rejected_gradient],
      ] as const) {
        const scale = Math.max(...theirs.map(Math.abs));
        theirs.forEach((gradient, at) => {
          expect(Math.abs((mine[at] as number) - gradient)).toBeLessThanOrEqual(tolerance * scale);
        });
      }
    },
  );
});

interface Expected {
  readonly rows: readonly Record<'prompt' | 'chosen' | 'rejected', readonly number[]>[];
  readonly adapters: Readonly<
    Record<
      string,
      {
        readonly base: { readonly chosen: readonly number[]; readonly rejected: readonly number[] };
        readonly policy: { readonly chosen: readonly number[]; readonly rejected: readonly number[] };
        readonly kl: number;
        readonly objectives: readonly { readonly settings: unknown; readonly loss: number }[];
      }
    >
  >;
}

describe.each(['untied-gqa', 'tied-llama3', 'biased'])('the papers in torch, log-probs of %s', (model) => {
  const expected: Expected = read(`expected/${model}.json`);
  for (const [adapter, { base, policy, kl, objectives }] of Object.entries(expected.adapters)) {
    it.each(objectives.map(({ settings, loss }) => [JSON.stringify(settings), settings, loss] as const))(
      `${adapter}: %s`,
      (_, settings, loss) => {
        const ours = evaluateObjective(createObjective(settings), {
          ...policy,
          chosenLength: expected.rows.map((row) => row.chosen.length),
          rejectedLength: expected.rows.map((row) => row.rejected.length),
          constants: {
            reference_chosen: base.chosen,
            reference_rejected: base.rejected,
            kl: expected.rows.map(() => kl),
          },
        });
        expect(Math.abs(ours.loss - loss)).toBeLessThan(1e-9 * (1 + Math.abs(loss)));
      },
    );
  }
});

describe('the KL estimate', () => {
  const ids = (...values: number[]) => Int32Array.from(values);

  it('pairs each prompt with the previous row’s responses', () => {
    const rows = [1, 2, 3].map((n) => ({ prompt: ids(n), chosen: ids(10 * n), rejected: ids(100 * n) }));
    const unmatched = unmatchedRows(rows, 9);
    expect(unmatched.map(({ prompt }) => prompt[0])).toEqual([1, 2, 3]);
    expect(unmatched.map(({ chosen }) => chosen[0])).toEqual([30, 10, 20]);
    expect(unmatched.map(({ rejected }) => rejected[0])).toEqual([300, 100, 200]);
  });

  it('cuts a prompt at the left for the other row’s longer responses', () => {
    const short = { prompt: ids(1, 2, 3, 4, 5), chosen: ids(6), rejected: ids(7) };
    const long = { prompt: ids(8), chosen: ids(1, 2), rejected: ids(1, 2, 3, 4) };
    const [first, second] = unmatchedRows([short, long], 6);
    expect(first).toEqual({ prompt: ids(4, 5), chosen: long.chosen, rejected: long.rejected });
    expect(second).toEqual({ prompt: ids(8), chosen: short.chosen, rejected: short.rejected });
  });

  it('is the mean log-ratio over both responses, at least 0', () => {
    const policy = { chosen: Float64Array.of(-1, -4), rejected: Float64Array.of(-2, -2) };
    const reference = { chosen: Float64Array.of(-3, -4), rejected: Float64Array.of(-4, -4) };
    expect(klEstimate(policy, reference)).toBe(1.5); // (2 + 0 + 2 + 2) / 4
    expect(klEstimate(reference, policy)).toBe(0);
  });
});
