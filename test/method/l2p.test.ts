/** L2P: the pool it begins with, the term that draws keys to queries, and what the engine is asked for in a run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findMethod } from '../../src/method/index.ts';
import { type PromptPool, SOFT_PROMPTS } from '../../src/model/adapter.ts';
import { TokenEmbeddings } from '../../src/model/token-embeddings.ts';
import { Random } from '../../src/support/random.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import { workspace } from '../train/temporary-folder.ts';
import { ToyEngine, toyModel } from '../train/toy-engine.ts';
import { runToy, toyConfig } from '../train/toy-stream.ts';
import { runMethod, taskPolicy } from './runs.ts';
import { beginMethod } from './small-adapters.ts';

/** Three tokens whose embeddings are (1, 0), (0, 2), (0, 0). */
const embeddings = new TokenEmbeddings(3, 2, (tokens) =>
  Float32Array.from(
    Array.from(
      tokens,
      (token) =>
        [
          [1, 0],
          [0, 2],
          [0, 0],
        ][token]!,
    ).flat(),
  ),
);
const pool = (topK: number, promptLength: number, ...vectors: number[][]): PromptPool => ({
  settings: { poolSize: vectors.length / promptLength, promptLength, topK },
  tensors: new Map([
    [SOFT_PROMPTS, { shape: [vectors.length, vectors[0]!.length], data: Float32Array.from(vectors.flat()) }],
  ]),
});
const row = (...prompt: number[]): EncodedRow => ({
  prompt: Int32Array.from(prompt),
  chosen: Int32Array.of(1),
  rejected: Int32Array.of(2),
});
const penaltyOf = (trained: PromptPool, rows: readonly EncodedRow[], weight = 0.5) => {
  const method = beginMethod('l2p', { key_weight: weight }, { initial: trained, embeddings });
  const { value, gradients } = method.penalty!(trained, rows);
  return { value, gradient: [...gradients.get(SOFT_PROMPTS)!] };
};

describe('the pool', () => {
  it('begins with embeddings of tokens of the vocabulary, as many as its defaults say', () => {
    const { createPool } = findMethod('l2p');
    const made = createPool!({}, toyModel.embeddings, Random.fromSeed(1));
    const { shape, data } = made.tensors.get(SOFT_PROMPTS)!;
    expect(made.settings).toEqual({ poolSize: 10, promptLength: 5, topK: 3 });
    expect(shape).toEqual([50, 6]);
    const known = Array.from({ length: 12 }, (_, token) => [...toyModel.embeddings.vectors([token])].join());
    const drawn = Array.from({ length: 50 }, (_, at) => data.slice(6 * at, 6 * at + 6).join());
    expect(drawn.every((vector) => known.includes(vector))).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(6);
    expect(createPool!({}, toyModel.embeddings, Random.fromSeed(1))).toEqual(made);
    expect(createPool!({}, toyModel.embeddings, Random.fromSeed(2))).not.toEqual(made);
  });

  it('gives no more prompts than it has', () => {
    const { settings } = findMethod('l2p');
    expect(settings.safeParse({ pool_size: 3, top_k: 3 }).success).toBe(true);
    expect(settings.safeParse({ pool_size: 2 }).error?.issues).toMatchObject([
      { path: ['top_k'], message: 'expected at most pool_size' },
    ]);
  });
});

describe('the key term', () => {
  it('by hand: less the cosine of query and nearest key, its slope shared by the prompt’s vectors', () => {
    // The query is (1, 0), the keys (3, 4) / 5 · 5 and (0, -1): cosines 0.6 and 0.
    const trained = pool(1, 2, [6, 0], [0, 8], [0, -2], [0, 0]);
    const { value, gradient } = penaltyOf(trained, [row(0)]);
    expect(value).toBeCloseTo(-0.5 * 0.6, 6);
    // d cos / d key = ((1, 0) − 0.6 · (3, 4) / 5) / 5 = (0.128, -0.096), half of it for each of two vectors.
    const expected = [0.128, -0.096, 0.128, -0.096, 0, 0, 0, 0].map((slope) => (-0.5 * slope) / 2);
    gradient.forEach((slope, at) => {
      expect(slope).toBeCloseTo(expected[at]!, 6);
    });
  });

  it('is a sum over chosen prompts and a mean over rows, whose responses play no part', () => {
    const trained = pool(2, 1, [1, 1], [1, -1], [-1, 0]);
    const half = Math.SQRT1_2;
    expect(penaltyOf(trained, [row(0)], 1).value).toBeCloseTo(-2 * half, 6);
    // (0, 2) is nearest to (1, 1), then to (-1, 0).
    expect(penaltyOf(trained, [row(1)], 1).value).toBeCloseTo(-half, 6);
    expect(penaltyOf(trained, [row(0), row(1)], 1).value).toBeCloseTo(-1.5 * half, 6);
    const other = { ...row(0), chosen: Int32Array.of(2, 2), rejected: Int32Array.of(0) };
    expect(penaltyOf(trained, [other], 1)).toEqual(penaltyOf(trained, [row(0)], 1));
  });

  it('has no slope where a query or a key is zero', () => {
    expect(penaltyOf(pool(1, 1, [1, 2]), [row(2)])).toEqual({ value: 0, gradient: [0, 0] });
    expect(penaltyOf(pool(2, 1, [0, 0], [0, 0]), [row(0)])).toEqual({ value: 0, gradient: [0, 0, 0, 0] });
  });

  it('has the gradient of its value', () => {
    const number = fc.float({ min: Math.fround(0.2), max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.array(number, { minLength: 8, maxLength: 8 }), ([a, b, c, d, e, f, g, h]) => {
        // Keys in other quadrants: a small step changes none of the choices.
        const at = (step: number) =>
          penaltyOf(pool(1, 2, [a! + step, b!], [c!, d!], [-e!, -f!], [-g!, -h!]), [row(0), row(0, 1)]);
        const slope = (at(1e-2).value - at(-1e-2).value) / 2e-2;
        expect(Math.abs(at(0).gradient[0]! - slope)).toBeLessThan(2e-3);
      }),
    );
  });
});

describe('in a run', () => {
  const settings = { pool_size: 4, prompt_length: 2, top_k: 2, key_weight: 0.3 };
  const changes = { method_settings: settings, lora: null };
  const soft = ({ prompt }: EncodedRow) => [...prompt].filter((token) => token >= 12);

  it('every row of the policy has its prompts in front, and none of the base', async () => {
    const { engine, steps } = await runMethod('l2p', changes);
    const ofBase = engine.calls.filter(({ adapter }) => adapter === null);
    const ofPolicy = engine.calls.filter(({ adapter }) => adapter !== null);
    expect(ofBase.flatMap(({ rows }) => rows.flatMap(soft))).toEqual([]);
    expect(ofBase.length).toBeGreaterThan(0);
    for (const { rows } of ofPolicy) {
      for (const one of rows) {
        expect(soft(one)).toHaveLength(4);
        expect([...one.prompt.subarray(0, 4)]).toEqual(soft(one));
      }
    }
    const choices = ofPolicy.flatMap(({ rows }) => rows.map((one) => soft(one).join()));
    expect(new Set(choices).size).toBeGreaterThan(2);
    // At most 2 · 0.3 for each row.
    const penalties = steps.map((record) => Number(record['penalty']));
    expect(Math.min(...penalties)).toBeGreaterThanOrEqual(-0.6);
    expect(penalties.at(-1)).toBeLessThan(penalties[0]!);
    // The first preference step's rewards are measured against the base itself.
    const first = steps.find((record) => record['stage'] === 'preference')!;
    expect(first['rewards/margins']).not.toBe(0);
  });

  it('they count for max_length', async () => {
    const folder = workspace();
    const engine = new ToyEngine();
    const tree = toyConfig({ method: 'l2p', ...changes, max_length: 13 });
    const summary = await runToy(tree, { folder, engine });
    expect(summary.cut_prompts).toBeGreaterThan(0);
    const longest = engine.calls
      .filter(({ adapter }) => adapter !== null)
      .flatMap(({ rows }) =>
        rows.map((one) => one.prompt.length + Math.max(one.chosen.length, one.rejected.length)),
      );
    expect(Math.max(...longest)).toBe(13);
    await expect(runToy({ ...tree, max_length: 5 }, { folder: workspace() })).rejects.toThrow(
      'max_length 5: 4 tokens of soft prompts leave no room for a row',
    );
  });

  it('leaves the pool in a folder that another run goes on from', async () => {
    const { output } = await runMethod('l2p', changes);
    const last = await taskPolicy(output, '2-high');
    expect(last.settings).toEqual({ poolSize: 4, promptLength: 2, topK: 2 });
    const adapter = join(output, 'tasks/2-high/adapter');
    const engine = new ToyEngine();
    const folder = workspace();
    await runToy(toyConfig({ method: 'l2p', lora: null, adapter }), { folder, engine });
    const [first] = engine.calls.filter((call) => call.kind === 'gradients');
    expect(first!.adapter).toMatchObject({ settings: last.settings, tensors: last.tensors });
    expect(readFileSync(join(folder, 'output/config.yaml'), 'utf8')).toContain('pool_size: 4');
    const refused = (more: object) => runToy(toyConfig({ adapter, ...more }), { folder: workspace() });
    await expect(refused({ method: 'l2p', lora: null, method_settings: { top_k: 1 } })).rejects.toThrow(
      /field "method_settings.top_k": 1, but the adapter .* has 2/,
    );
    await expect(refused({ method: 'er' })).rejects.toThrow(
      /field "adapter": .* holds a prompt pool; the method er trains LoRA matrices/,
    );
    const lora = join((await runMethod('seqft')).output, 'tasks/2-high/adapter');
    await expect(refused({ method: 'l2p', lora: null, adapter: lora })).rejects.toThrow(
      /field "adapter": .* holds LoRA matrices; the method l2p trains a prompt pool/,
    );
    await expect(refused({ method: 'l2p', adapter: null })).rejects.toThrow(
      /field "lora": the method l2p has no/,
    );
  });

  it.each(['l2p', 'er'])('a pool may be the reference of %s', async (method) => {
    const { output } = await runMethod('l2p', changes);
    const reference = join(output, 'tasks/1-low/adapter');
    const engine = new ToyEngine();
    const own = method === 'l2p' ? changes : {};
    await runToy(toyConfig({ method, ...own, reference }), { folder: workspace(), engine });
    const known = await taskPolicy(output, '1-low');
    const scored = engine.calls.filter(({ kind, adapter }) => kind === 'score' && adapter);
    const byReference = scored.filter(
      ({ adapter }) => adapter!.settings === undefined || 'topK' in adapter!.settings,
    );
    expect(byReference.length).toBeGreaterThan(0);
    expect(byReference[0]!.adapter!.tensors.get(SOFT_PROMPTS)).toEqual(known.tensors.get(SOFT_PROMPTS));
  });
});
