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

/**
 * All answers in one batch, in small ones and one by one. From a near-tie on an answer may go another way.
 *
 * @param tie a margin that rounding may turn
 * @returns how many tokens were compared
 */
export async function compareGreedy(
  engine: Engine,
  adapter: Adapter | null,
  answers: readonly ExpectedAnswer[],
  tie: number,
): Promise<number> {
  const prompts = answers.map(({ prompt }) => Int32Array.from(prompt));
  const maxNewTokens = Math.max(...answers.map(({ tokens }) => tokens.length));
  let compared = 0;
  for (const batchSize of [16, 2, 1]) {
    const found = await engine.generate(prompts, adapter, { maxNewTokens, stopTokens: [], batchSize });
    answers.forEach(({ tokens, margins }, at) => {
      const first = margins.findIndex((margin) => margin < tie);
      const end = first < 0 ? tokens.length : first;
      expect([...(found[at]?.tokens ?? [])].slice(0, end), `answer ${at + 1}`).toEqual(tokens.slice(0, end));
      compared += end;
    });
  }
  return compared / 3;
}
