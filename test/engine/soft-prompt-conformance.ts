/**
 * Soft prompts in every engine: rows that begin with ids beyond the vocabulary. The oracles are the reference
 * kernels, the same graph without a cache, and token embeddings put where soft prompts are.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, GradientRequest } from '../../src/engine/engine.ts';
import { withPromptPools } from '../../src/engine/prompted-engine.ts';
import { type PromptPool, SOFT_PROMPTS } from '../../src/model/adapter.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { TokenEmbeddings } from '../../src/model/token-embeddings.ts';
import { createObjective } from '../../src/objective/index.ts';
import { Random } from '../../src/support/random.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import { openTiny, randomRows, TINY_MODELS } from '../model/tiny.ts';
import {
  expectGradients,
  expectLogProbs,
  expectRelative,
  expectSame,
  LENGTHS,
  type OpenEngine,
} from './conformance.ts';
import { referenceLogits } from './generation-conformance.ts';
import { referenceGradients, referenceScore } from './reference.ts';

const settings = { poolSize: 4, promptLength: 3, topK: 2 };
const ROWS = settings.poolSize * settings.promptLength;

/** Of random vectors, as wide as the tiny models' embeddings. */
function randomPool({ config: { hiddenSize } }: ModelFolder): PromptPool {
  const random = Random.fromSeed(21);
  const data = Float32Array.from({ length: ROWS * hiddenSize }, () => 1.2 * random.uniform() - 0.6);
  return { settings, tensors: new Map([[SOFT_PROMPTS, { shape: [ROWS, hiddenSize], data }]]) };
}

/** As `describeEngine`. */
export function describeSoftPrompts(
  name: string,
  open: OpenEngine,
  variants: Readonly<Record<string, OpenEngine>>,
): void {
  describe.each(TINY_MODELS)(`${name} with soft prompts on %s`, (modelName, adapterName) => {
    let model: ModelFolder;
    let engine: Engine;
    let pool: PromptPool;
    let plain: readonly EncodedRow[];
    /** With one to three soft tokens, some of them twice. */
    let rows: readonly EncodedRow[];
    let request: (objective: string) => GradientRequest;

    const soft = (...places: number[]) => places.map((place) => model.config.vocabularySize + place);

    beforeAll(async () => {
      ({ model } = await openTiny(modelName, adapterName));
      engine = await open(model);
      pool = randomPool(model);
      plain = randomRows(LENGTHS, model.config.vocabularySize, 11);
      const places = [[3], [0, 1], [11, 11, 3], [5, 2, 8]];
      rows = plain.map((row, at) => ({
        ...row,
        prompt: Int32Array.of(...soft(...places[at]!), ...row.prompt),
      }));
      const { chosen, rejected } = referenceScore(model, plain, null);
      const reference = { reference_chosen: chosen, reference_rejected: rejected };
      request = (objective) => ({
        rows,
        adapter: pool,
        objective: createObjective({ name: objective }),
        constants: objective === 'sft' ? {} : reference,
      });
    });
    afterAll(() => engine?.close());

    it('has the log-probs of the reference kernels', async () => {
      expectLogProbs(await engine.score(rows, pool), referenceScore(model, rows, pool));
    });

    it.each(['fpo', 'sft'])('has loss and gradients of the reference kernels: %s', async (objective) => {
      const found = await engine.gradients(request(objective));
      const expected = referenceGradients(model, request(objective));
      expectRelative(found.loss, expected.loss, 'loss');
      expectLogProbs(found.logps, expected.logps);
      expectGradients(found.gradients, expected.gradients);
      // Rows of the pool that no prompt has get none.
      const { hiddenSize } = model.config;
      const gradient = found.gradients.get(SOFT_PROMPTS)!;
      const moved = Array.from({ length: ROWS }, (_, row) => row).filter((row) =>
        gradient.subarray(row * hiddenSize, (row + 1) * hiddenSize).some((value) => value !== 0),
      );
      expect(moved).toEqual([0, 1, 2, 3, 5, 8, 11]);
    });

    it('has the log-probs of tokens whose embeddings the soft prompts are', async () => {
      const tokens = Array.from({ length: ROWS }, (_, at) => (7 * at + 3) % model.config.vocabularySize);
      const { shape } = pool.tensors.get(SOFT_PROMPTS)!;
      const data = TokenEmbeddings.of(model).vectors(tokens);
      const same: PromptPool = { settings, tensors: new Map([[SOFT_PROMPTS, { shape, data }]]) };
      const { vocabularySize } = model.config;
      const spelled = rows.map((row) => ({
        ...row,
        prompt: row.prompt.map((id) => (id < vocabularySize ? id : tokens[id - vocabularySize]!)),
      }));
      expectLogProbs(await engine.score(rows, same), await engine.score(spelled, null));
    });

    it('leaves the base as it is', async () => {
      await engine.score(rows, pool);
      expectLogProbs(await engine.score(plain, null), referenceScore(model, plain, null));
    });

    it.each(Object.keys(variants))('gives the same with %s', async (variant) => {
      const other = await (variants[variant] as OpenEngine)(model);
      try {
        expectSame(await other.gradients(request('fpo')), await engine.gradients(request('fpo')));
      } finally {
        await other.close();
      }
    });

    it('generates the most probable tokens of the reference kernels, in any batch', async () => {
      const prompts = rows.map(({ prompt }) => prompt);
      const options = { maxNewTokens: 6, stopTokens: [], repetitionPenalty: 1 };
      const found = await engine.generate(prompts, pool, options);
      found.forEach(({ tokens }, row) => {
        referenceLogits(model, pool, prompts[row]!, tokens).forEach((logits, at) => {
          const best = logits.reduce((a, b) => Math.max(a, b));
          expect(best - logits[tokens[at]!]!, `row ${row + 1}, token ${at + 1}`).toBeLessThan(1e-4);
        });
      });
      const bare = await engine.generate(
        plain.map(({ prompt }) => prompt),
        null,
        options,
      );
      expect(found).not.toEqual(bare);
      expect(await engine.generate(prompts, pool, { ...options, batchSize: 1 })).toEqual(found);
      const penalised = await engine.generate(prompts, pool, { ...options, repetitionPenalty: 1.5 });
      expect(penalised.flatMap(({ tokens }) => [...tokens]).every(Number.isInteger)).toBe(true);
    });

    it('refuses rows without any, and ids that stand for nothing', async () => {
      const prompts = plain.map(({ prompt }) => prompt);
      await expect(engine.score(plain, pool)).rejects.toThrow('begins with no soft prompt');
      await expect(engine.generate(prompts, pool, { maxNewTokens: 1, stopTokens: [] })).rejects.toThrow(
        'begins with no soft prompt',
      );
      await expect(engine.gradients({ ...request('fpo'), rows: plain })).rejects.toThrow('no soft prompt');
      await expect(engine.score(rows, null)).rejects.toThrow(
        /prompt 1 has the token \d+; there are \d+ tokens/,
      );
      const beyond = [{ ...plain[0]!, prompt: Int32Array.of(...soft(ROWS), 1) }];
      await expect(engine.score(beyond, pool)).rejects.toThrow('12 rows of soft prompts');
    });

    it('chooses for each row the prompts whose mean is nearest to that of its tokens', async () => {
      const { hiddenSize, vocabularySize } = model.config;
      const embeddings = TokenEmbeddings.of(model);
      const mean = (vectors: ArrayLike<number>) =>
        Array.from({ length: hiddenSize }, (_, column) => {
          let sum = 0;
          for (let at = column; at < vectors.length; at += hiddenSize) sum += vectors[at]!;
          return sum;
        });
      const { data } = pool.tensors.get(SOFT_PROMPTS)!;
      const width = settings.promptLength * hiddenSize;
      const expected = plain.map((row) => {
        const query = mean(embeddings.vectors(row.prompt));
        const cosines = Array.from({ length: settings.poolSize }, (_, prompt) => {
          const key = mean(data.subarray(prompt * width, (prompt + 1) * width));
          const dot = query.reduce((sum, value, at) => sum + value * key[at]!, 0);
          return { prompt, cosine: dot / Math.hypot(...query) / Math.hypot(...key) };
        });
        const [first, second] = cosines.sort((a, b) => b.cosine - a.cosine).map(({ prompt }) => 3 * prompt);
        const places = [first!, first! + 1, first! + 2, second!, second! + 1, second! + 2];
        return { ...row, prompt: Int32Array.of(...soft(...places), ...row.prompt) };
      });
      expect(new Set(expected.map(({ prompt }) => prompt[0]! - vocabularySize)).size).toBeGreaterThan(1);
      const prompted = withPromptPools(engine, embeddings);
      expect(await prompted.score(plain, pool)).toEqual(await engine.score(expected, pool));
      expect(await prompted.gradients({ ...request('fpo'), rows: plain })).toEqual(
        await engine.gradients({ ...request('fpo'), rows: expected }),
      );
      const options = { maxNewTokens: 3, stopTokens: [], samples: 2 };
      const prompts = (of: readonly EncodedRow[]) => of.map(({ prompt }) => prompt);
      expect(await prompted.generate(prompts(plain), pool, options)).toEqual(
        await engine.generate(prompts(expected), pool, options),
      );
      expect(await prompted.score(plain, null)).toEqual(await engine.score(plain, null));
    });
  });
}
