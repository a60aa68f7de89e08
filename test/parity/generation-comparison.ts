/** The embedded engine's greedy answers beside transformers'. */
import { expect } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import type { SamplingSettings } from '../../src/engine/sampling.ts';
import type { Adapter } from '../../src/model/adapter.ts';

/** As make_generations.py writes it. */
export interface ExpectedAnswer {
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
  /** How far each token's logit is above every other. */
  readonly margins: readonly number[];
}

export interface ExpectedGenerations {
  readonly greedy: readonly {
    readonly model: string;
    readonly adapter: string | null;
    readonly answers: readonly ExpectedAnswer[];
  }[];
  readonly sampling: readonly {
    readonly settings: Required<SamplingSettings>;
    readonly seen: readonly number[];
    readonly logits: readonly number[];
    readonly probabilities: readonly number[];
  }[];
}

/** A token whose logit is hardly above another's: what rounding may turn. */
export interface NearTie {
  /** Counted from 1, as is `position` in the answer. */
  readonly answer: number;
  readonly position: number;
  readonly margin: number;
  /** The two programs took different tokens, and from here on their answers cannot be compared. */
  readonly turned: boolean;
}

export interface GreedyComparison {
  /** Tokens that are the same, over all answers. */
  readonly equal: number;
  /** Met on the way. */
  readonly nearTies: readonly NearTie[];
}

/**
 * Token by token: every answer is the expected one, but for what follows a near-tie that rounding turned.
 *
 * @param tie a margin of logits that rounding may turn
 */
export function compareAnswers(
  found: readonly (readonly number[])[],
  expected: readonly ExpectedAnswer[],
  tie: number,
): GreedyComparison {
  expect(found.length).toBe(expected.length);
  let equal = 0;
  const nearTies: NearTie[] = [];
  for (const [at, { tokens, margins }] of expected.entries()) {
    const ours = found[at]!;
    const difference = tokens.findIndex((token, position) => token !== ours[position]);
    const end = difference < 0 ? tokens.length : difference;
    const mayTurn = difference < 0 || margins[difference]! < tie;
    if (!mayTurn) expect([...ours], `answer ${at + 1}`).toEqual(tokens);
    expect(ours.length, `the length of answer ${at + 1}`).toBe(tokens.length);
    equal += end;
    for (const [position, margin] of margins.entries()) {
      if (margin >= tie || position > end) continue;
      nearTies.push({ answer: at + 1, position: position + 1, margin, turned: position === difference });
    }
  }
  return { equal, nearTies };
}

/** Our greedy answers to the expected ones' prompts, so many at a time; nothing ends them early. */
export async function answerGreedily(
  engine: Engine,
  adapter: Adapter | null,
  answers: readonly ExpectedAnswer[],
  batchSize: number,
): Promise<readonly (readonly number[])[]> {
  const prompts = answers.map(({ prompt }) => Int32Array.from(prompt));
  const maxNewTokens = Math.max(...answers.map(({ tokens }) => tokens.length));
  const found = await engine.generate(prompts, adapter, { maxNewTokens, stopTokens: [], batchSize });
  return found.map(({ tokens }) => [...tokens]);
}

/**
 * All answers in one batch, in small ones and one by one.
 *
 * @returns how many tokens were the same, on average over the three
 */
export async function compareGreedy(
  engine: Engine,
  adapter: Adapter | null,
  answers: readonly ExpectedAnswer[],
  tie: number,
): Promise<number> {
  let equal = 0;
  for (const batchSize of [16, 2, 1]) {
    equal += compareAnswers(await answerGreedily(engine, adapter, answers, batchSize), answers, tie).equal;
  }
  return equal / 3;
}
