/**
 * Our engine against what the oracle wrote (make_expected*.py): log-probs with and without an adapter,
 * loss and gradients of every objective. The tolerances are those the project promises.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Engine, RowLogProbs } from '../../src/engine/engine.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { createObjective } from '../../src/objective/index.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';

/** Relative, of a sequence's log-prob. */
export const LOGP_TOLERANCE = 1e-4;
/** Absolute for losses below 1, relative above. */
export const LOSS_TOLERANCE = 1e-4;
/** Relative L2, of each trained matrix by itself. */
export const GRADIENT_TOLERANCE = 1e-3;

interface Pair<T> {
  readonly chosen: T;
  readonly rejected: T;
}

export interface ExpectedObjective {
  readonly settings: { readonly name: string };
  readonly loss: number;
  readonly grad_norm: number;
  /** base64 of little-endian float32 by PEFT's tensor names; absent where the file leaves them out. */
  readonly gradients?: Readonly<Record<string, string>>;
}

export interface ExpectedAdapter {
  readonly base: Pair<readonly number[]>;
  readonly policy: Pair<readonly number[]>;
  readonly kl: number;
  readonly objectives: readonly ExpectedObjective[];
}

export interface Expected {
  readonly rows: readonly EncodedRow[];
  readonly adapters: Readonly<Record<string, ExpectedAdapter>>;
}

export function readExpected(file: string | URL): Expected {
  const { rows, adapters } = JSON.parse(readFileSync(file, 'utf8')) as {
    rows: readonly (Pair<number[]> & { prompt: number[] })[];
    adapters: Expected['adapters'];
  };
  return {
    adapters,
    rows: rows.map(({ prompt, chosen, rejected }) => ({
      prompt: Int32Array.from(prompt),
      chosen: Int32Array.from(chosen),
      rejected: Int32Array.from(rejected),
    })),
  };
}

/** The largest relative difference of two vectors, element by element. */
export function worstRelative(ours: ArrayLike<number>, theirs: readonly number[]): number {
  expect(ours.length).toBe(theirs.length);
  return Math.max(...theirs.map((value, at) => Math.abs((ours[at] as number) - value) / Math.abs(value)));
}

export interface LogProbComparison {
  /** The largest relative difference. */
  readonly worst: number;
  /** Our own log-probs under the base: the reference that training would use. */
  readonly reference: RowLogProbs;
}

/** Checks log-probs under the base and under the adapter. */
export async function compareLogProbs(
  engine: Engine,
  rows: readonly EncodedRow[],
  adapter: Adapter,
  expected: ExpectedAdapter,
): Promise<LogProbComparison> {
  const reference = await engine.score(rows, null);
  const policy = await engine.score(rows, adapter);
  const worst = Math.max(
    worstRelative(reference.chosen, expected.base.chosen),
    worstRelative(reference.rejected, expected.base.rejected),
    worstRelative(policy.chosen, expected.policy.chosen),
    worstRelative(policy.rejected, expected.policy.rejected),
  );
  expect(worst).toBeLessThanOrEqual(LOGP_TOLERANCE);
  return { worst, reference };
}

export interface Differences {
  readonly loss: number;
  readonly gradient: number;
}

/** Checks loss, policy log-probs and gradients of one objective; returns the worst differences. */
export async function compareObjective(
  engine: Engine,
  rows: readonly EncodedRow[],
  adapter: Adapter,
  reference: RowLogProbs,
  expected: ExpectedAdapter,
  { settings, loss, grad_norm: gradientNorm, gradients }: ExpectedObjective,
): Promise<Differences> {
  const objective = createObjective(settings);
  const ours = await engine.gradients({
    rows,
    adapter,
    objective,
    constants: {
      reference_chosen: reference.chosen,
      reference_rejected: reference.rejected,
      kl: new Float64Array(rows.length).fill(expected.kl),
    },
  });
  expect(worstRelative(ours.logps.chosen, expected.policy.chosen)).toBeLessThanOrEqual(LOGP_TOLERANCE);
  if (objective.responses === 'pair') {
    expect(worstRelative(ours.logps.rejected, expected.policy.rejected)).toBeLessThanOrEqual(LOGP_TOLERANCE);
  }
  const lossDifference = Math.abs(ours.loss - loss) / Math.max(1, Math.abs(loss));
  expect(lossDifference).toBeLessThanOrEqual(LOSS_TOLERANCE);

  expect([...ours.gradients.keys()].sort()).toEqual([...adapter.tensors.keys()].sort());
  const norm = Math.hypot(...[...ours.gradients.values()].map(euclideanNorm));
  expect(Math.abs(norm - gradientNorm)).toBeLessThanOrEqual(GRADIENT_TOLERANCE * gradientNorm);
  let gradientDifference = 0;
  for (const [name, encoded] of Object.entries(gradients ?? {})) {
    const difference = relativeDistance(ours.gradients.get(name) as Float32Array, decodeFloats(encoded));
    expect(difference, name).toBeLessThanOrEqual(GRADIENT_TOLERANCE);
    gradientDifference = Math.max(gradientDifference, difference);
  }
  return { loss: lossDifference, gradient: gradientDifference };
}

function decodeFloats(encoded: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(encoded, 'base64'));
  return new Float32Array(bytes.buffer);
}

function euclideanNorm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));
}

/** ‖ours − theirs‖ / ‖theirs‖; 0 where both are zero. */
export function relativeDistance(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  expect(ours.length).toBe(theirs.length);
  const distance = euclideanNorm(Array.from(ours, (value, at) => value - (theirs[at] as number)));
  return distance === 0 ? 0 : distance / euclideanNorm(theirs);
}

/** Everything that is committed is in the fresh values, numbers up to rounding (base64 of gradients is not compared). */
export function expectSameNumbers(committed: unknown, fresh: unknown, at: string): void {
  if (typeof committed === 'number') {
    expect(Math.abs(committed - (fresh as number)), at).toBeLessThanOrEqual(
      1e-5 * Math.max(1, Math.abs(committed)),
    );
  } else if (typeof committed === 'object' && committed !== null) {
    for (const [key, value] of Object.entries(committed)) {
      const isEncoded = key === 'gradients' && !Array.isArray(value);
      if (!isEncoded) expectSameNumbers(value, (fresh as Record<string, unknown>)[key], `${at}.${key}`);
    }
  } else {
    expect(fresh, at).toBe(committed);
  }
}
