/**
 * Gemma 3's sliding windows: the graphs against a decoder of plain loops, by the reference kernels, and by the engine
 * in its packed layouts. Every comparison is of sequences that a window of one token more or less, or none, would change.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowLogProbs } from '../../src/engine/engine.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import type { OrtEngineOptions } from '../../src/engine/ort/ort-engine.ts';
import { worthwhilePrefix } from '../../src/engine/packing.ts';
import type { LoraAdapter } from '../../src/model/adapter.ts';
import { batchInputs } from '../../src/model/graph/layout.ts';
import { adapterShape, Parameters } from '../../src/model/graph/parameters.ts';
import { sequenceLogProbs } from '../../src/model/graph/sequence-log-probs.ts';
import { type ModelFolder, openModelFolder } from '../../src/model/model-folder.ts';
import { createObjective } from '../../src/objective/index.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import { ALL_MODULES, randomAdapter, writeRandomModelOf } from '../export/random-model.ts';
import { naiveLogits, naiveLogProb } from '../model/naive-decoder.ts';
import { adapterValues, batchValues, feed, HEAD_PIECES, randomRows, weightValues } from '../model/tiny.ts';
import { expectGradients, expectLogProbs } from './conformance.ts';
import { referenceGradients } from './reference.ts';

const WINDOW = 5;
const GEMMA = {
  ...{ model_type: 'gemma3_text', architectures: ['Gemma3ForCausalLM'] },
  ...{ num_hidden_layers: 3, head_dim: 12, query_pre_attn_scalar: 20, vocab_size: 60 },
  ...{ sliding_window: WINDOW, sliding_window_pattern: 3, rope_local_base_freq: 100 },
};

let folder: string;
let model: ModelFolder;
let adapter: LoraAdapter;
let weights: ReadonlyMap<string, Value>;
let rows: readonly EncodedRow[];
let expected: RowLogProbs;

/** By plain loops, through a window of another size where one is given. */
function naive(size = WINDOW): RowLogProbs {
  const { config } = model;
  const windowed = { ...config, sliding: { ...config.sliding!, size } };
  const logp = (prompt: Int32Array, response: Int32Array) =>
    naiveLogProb(windowed, weights, adapter, prompt, response);
  return {
    chosen: Float64Array.from(rows, ({ prompt, chosen }) => logp(prompt, chosen)),
    rejected: Float64Array.from(rows, ({ prompt, rejected }) => logp(prompt, rejected)),
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-window-'));
  const config = await writeRandomModelOf(folder, GEMMA);
  expect(config.sliding).toMatchObject({ size: WINDOW, layers: [0, 1] });
  model = await openModelFolder(folder);
  adapter = randomAdapter(config, { rank: 2, alpha: 3, targets: ALL_MODULES });
  weights = weightValues(model);
  const [start, ...own] = randomRows(
    [
      [12, 1, 1],
      [3, 7, 4],
      [9, 4, 11],
    ],
    config.vocabularySize,
    4,
  );
  // What the prompts share is longer than the window.
  rows = own.map((row) => ({ ...row, prompt: Int32Array.of(...start!.prompt, ...row.prompt) }));
  expect(worthwhilePrefix(rows)).toBe(12);
  expected = naive();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([WINDOW - 1, WINDOW + 1, 100])('would be seen if the window had %i tokens', (size) => {
  const other = naive(size);
  for (const side of ['chosen', 'rejected'] as const) {
    expected[side].forEach((value, row) => {
      expect(Math.abs(other[side][row]! / value - 1), `${side} of row ${row}`).toBeGreaterThan(1e-3);
    });
  }
});

it.each([1, 3])('has the log-probs of plain loops by the reference kernels, in tiles of %i', (tiles) => {
  const inputs = batchInputs({ pairs: rows.length, responses: 'pair', tiles, headPieces: HEAD_PIECES });
  const logps = sequenceLogProbs(model.config, inputs, new Parameters(adapterShape(adapter)), 'nothing');
  const values = new Map([
    ...[...weights, ...batchValues(model, rows, 'pair', tiles), ...adapterValues(adapter)],
  ]);
  const [{ data }] = evaluate([logps], feed([logps], values)) as [Value];
  const pairs = rows.flatMap((_, row) => [expected.chosen[row]!, expected.rejected[row]!]);
  expect(data).toHaveLength(pairs.length);
  pairs.forEach((value, at) => {
    expect(Math.abs(data[at]! / value - 1)).toBeLessThan(1e-9);
  });
});

describe.each([
  ['as it is', {}],
  ['layers computed again, in tiles', { recompute: 'layers' }],
] satisfies [string, OrtEngineOptions][])('by the engine, %s', (_, options) => {
  let engine: Awaited<ReturnType<typeof createOrtEngine>>;
  beforeAll(async () => {
    engine = await createOrtEngine(model, { threads: 1, ...options });
  });
  afterAll(() => engine?.close());

  it('has the log-probs of plain loops', async () => {
    expectLogProbs(await engine.score(rows, adapter), expected);
  });

  it('has them, and the gradients of the reference kernels, where the prompts’ beginning is shared', async () => {
    const constants = { reference_chosen: expected.chosen, reference_rejected: expected.rejected };
    const request = { rows, adapter, objective: createObjective({ name: 'fpo' }), constants };
    const found = await engine.gradients(request);
    expectLogProbs(found.logps, expected);
    expectGradients(found.gradients, referenceGradients(model, request).gradients);
  });

  it('answers what plain loops find likeliest', async () => {
    const tokens = [...rows[0]!.prompt];
    for (let made = 0; made < 8; made++) {
      const logits = naiveLogits(model.config, weights, adapter, tokens).at(-1)!;
      tokens.push(logits.indexOf(Math.max(...logits)));
    }
    const [answer] = await engine.generate([rows[0]!.prompt], adapter, { maxNewTokens: 8, stopTokens: [] });
    expect([...rows[0]!.prompt, ...answer!.tokens]).toEqual(tokens);
  });
});
