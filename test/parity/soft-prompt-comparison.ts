/**
 * Our engine, its choice of prompts and L2P's key term against what the oracle wrote (make_soft_prompts.py). The
 * tolerances are those of comparison.ts.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { withPromptPools } from '../../src/engine/prompted-engine.ts';
import { findMethod } from '../../src/method/index.ts';
import { nothingRemembered } from '../../src/method/method.ts';
import { type PromptPool, SOFT_PROMPTS } from '../../src/model/adapter.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { nearestKeys, promptKeys } from '../../src/model/prompt-pool.ts';
import { TokenEmbeddings } from '../../src/model/token-embeddings.ts';
import { createObjective } from '../../src/objective/index.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import {
  GRADIENT_TOLERANCE,
  LOGP_TOLERANCE,
  LOSS_TOLERANCE,
  relativeDistance,
  worstRelative,
} from './comparison.ts';

type Pair<T> = Readonly<Record<'chosen' | 'rejected', T>>;

export interface ExpectedSoftPrompts {
  readonly settings: { readonly pool_size: number; readonly prompt_length: number; readonly top_k: number };
  /** Prompt after prompt, vector after vector. */
  readonly pool: readonly number[];
  readonly rows: readonly (Pair<number[]> & { readonly prompt: number[] })[];
  /** Of every row, nearest first. */
  readonly choices: readonly (readonly number[])[];
  readonly base: Pair<number[]>;
  readonly policy: Pair<number[]>;
  readonly objectives: readonly {
    readonly settings: { readonly name: string };
    readonly loss: number;
    readonly gradient: readonly number[];
  }[];
  readonly key_term: {
    readonly weight: number;
    readonly value: number;
    readonly gradient: readonly number[];
  };
  /** Greedy. */
  readonly answers: readonly (readonly number[])[];
}

/** By the tiny model's name. */
export function readSoftPrompts(file: string | URL): Readonly<Record<string, ExpectedSoftPrompts>> {
  return JSON.parse(readFileSync(file, 'utf8'));
}

export async function compareSoftPrompts(
  engine: Engine,
  model: ModelFolder,
  expected: ExpectedSoftPrompts,
): Promise<void> {
  const embeddings = TokenEmbeddings.of(model);
  const prompted = withPromptPools(engine, embeddings);
  const { pool_size: poolSize, prompt_length: promptLength, top_k: topK } = expected.settings;
  const shape = [poolSize * promptLength, model.config.hiddenSize] as const;
  const pool: PromptPool = {
    settings: { poolSize, promptLength, topK },
    tensors: new Map([[SOFT_PROMPTS, { shape, data: Float32Array.from(expected.pool) }]]),
  };
  const rows: readonly EncodedRow[] = expected.rows.map(({ prompt, chosen, rejected }) => ({
    prompt: Int32Array.from(prompt),
    chosen: Int32Array.from(chosen),
    rejected: Int32Array.from(rejected),
  }));
  const prompts = rows.map(({ prompt }) => prompt);
  const keys = promptKeys(pool);
  expect(prompts.map((prompt) => nearestKeys(embeddings.mean(prompt), keys, topK))).toEqual(expected.choices);

  const [base, policy] = [await prompted.score(rows, null), await prompted.score(rows, pool)];
  for (const response of ['chosen', 'rejected'] as const) {
    expect(worstRelative(base[response], expected.base[response])).toBeLessThanOrEqual(LOGP_TOLERANCE);
    expect(worstRelative(policy[response], expected.policy[response])).toBeLessThanOrEqual(LOGP_TOLERANCE);
  }
  for (const { settings, loss, gradient } of expected.objectives) {
    const objective = createObjective(settings);
    const constants = { reference_chosen: base.chosen, reference_rejected: base.rejected };
    const found = await prompted.gradients({ rows, adapter: pool, objective, constants });
    expect(Math.abs(found.loss - loss)).toBeLessThanOrEqual(LOSS_TOLERANCE * Math.max(1, Math.abs(loss)));
    expect([...found.gradients.keys()]).toEqual([SOFT_PROMPTS]);
    const difference = relativeDistance(found.gradients.get(SOFT_PROMPTS)!, gradient);
    expect(difference, settings.name).toBeLessThanOrEqual(GRADIENT_TOLERANCE);
  }

  const context = { embeddings, consolidation: null, remembered: nothingRemembered };
  const settings = { ...expected.settings, key_weight: expected.key_term.weight };
  const method = findMethod('l2p').begin(settings, { ...context, initial: pool, freshAdapter: () => pool });
  const { value, gradients } = method.penalty!(pool, rows);
  expect(Math.abs(value - expected.key_term.value)).toBeLessThanOrEqual(1e-6);
  expect(relativeDistance(gradients.get(SOFT_PROMPTS)!, expected.key_term.gradient)).toBeLessThanOrEqual(
    1e-5,
  );

  const maxNewTokens = expected.answers[0]!.length;
  for (const batchSize of [1, 4]) {
    const answers = await prompted.generate(prompts, pool, { maxNewTokens, stopTokens: [], batchSize });
    expect(answers.map(({ tokens }) => [...tokens])).toEqual(expected.answers);
  }
}
