/** The torch engine's host side over a worker whose model is a formula (fake-worker.mjs). */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TorchEngine } from '../../../src/engine/torch/torch-engine.ts';
import { startWorker } from '../../../src/engine/torch/worker-process.ts';
import type { LoraAdapter } from '../../../src/model/adapter.ts';
import type { ModelFolder } from '../../../src/model/model-folder.ts';
import { createObjective } from '../../../src/objective/index.ts';
import { sha256 } from '../../../src/support/hash.ts';
import type { EncodedRow } from '../../../src/text/encoded-row.ts';
import { openTiny } from '../../model/tiny.ts';

const FAKE = fileURLToPath(new URL('fake-worker.mjs', import.meta.url));

const start = (mode: string, signal?: AbortSignal) =>
  startWorker({ program: process.execPath, args: [FAKE, mode], packageFolder: null }, signal);

let model: ModelFolder;
let adapter: LoraAdapter;
beforeAll(async () => {
  ({ model, adapter } = await openTiny('untied-gqa', 'attention'));
});

const open = async (mode: string) => new TorchEngine(model, await start(mode), { micro_batch_tokens: 12 });
const ids = (...tokens: number[]) => Int32Array.from(tokens);
const rows: readonly EncodedRow[] = [
  { prompt: ids(1, 2), chosen: ids(3, 4), rejected: ids(5) },
  { prompt: ids(9), chosen: ids(1), rejected: ids(10, 20, 30) },
  { prompt: ids(1, 2, 3, 4), chosen: ids(7, 7), rejected: ids(2, 1) },
  { prompt: ids(6), chosen: ids(8), rejected: ids(11) },
  { prompt: ids(6, 6, 6, 6, 6, 6, 6, 6), chosen: ids(100), rejected: ids(50, 1) },
];
const sum = (tokens: Int32Array) => tokens.reduce((a, b) => a + b, 0);

describe('over a worker that does well', () => {
  let engine: TorchEngine;
  beforeAll(async () => {
    engine = await open('well');
  });
  afterAll(() => engine.close());

  it('scores every row in its place', async () => {
    const { chosen, rejected } = await engine.score(rows, null);
    expect([...chosen]).toEqual(rows.map((row) => -sum(row.chosen)));
    expect([...rejected]).toEqual(rows.map((row) => -sum(row.rejected)));
  });

  it('sends cotangents by the chain rule', async () => {
    const [name, { data }] = adapter.tensors.entries().next().value!;
    const w = data[0]!;
    // Alpha 4 over rank 2.
    const scaling = 2;
    const beta = 0.1;
    const reference = { chosen: rows.map((_, at) => -at), rejected: rows.map((_, at) => -2 * at) };
    const found = await engine.gradients({
      rows,
      adapter,
      objective: createObjective({ name: 'dpo', beta }),
      constants: {
        reference_chosen: Float64Array.from(reference.chosen),
        reference_rejected: Float64Array.from(reference.rejected),
      },
    });
    // Each row: -log sigmoid(r), r = beta ((c - c0) - (j - j0)); dr/dw = -beta scaling (sum c - sum j).
    let [loss, slope] = [0, 0];
    rows.forEach((row, at) => {
      const difference = sum(row.chosen) - sum(row.rejected);
      const r = beta * (-scaling * w * difference - reference.chosen[at]! + reference.rejected[at]!);
      loss += Math.log1p(Math.exp(-r)) / rows.length;
      slope += ((1 / (1 + Math.exp(-r)) - 1) * -beta * scaling * difference) / rows.length;
    });
    expect(found.loss).toBeCloseTo(loss, 10);
    expect(found.gradients.get(name)![0]).toBeCloseTo(slope, 5);
    expect([...found.gradients.keys()]).toEqual([...adapter.tensors.keys()]);
    expect([...found.logps.chosen]).toEqual(rows.map((row) => -scaling * w * sum(row.chosen)));
  });

  it('generates with several calls at work', async () => {
    const options = { maxNewTokens: 3, stopTokens: [42] };
    const all = await Promise.all([
      engine.generate([ids(1, 2), ids(40)], null, options),
      engine.generate([ids(7)], adapter, options),
      engine.score(rows, adapter),
    ]);
    const tokens = [...all[0], ...all[1]].map((one) => [...one.tokens]);
    expect(tokens).toEqual([
      [3, 4, 5],
      [41, 42],
      [8, 9, 10],
    ]);
  });

  it('refuses the 8-bit backward pass and rows that are too long', async () => {
    await expect(engine.checkBackward('int8')).rejects.toThrow('no int8 backward pass');
    const long = { ...rows[0]!, prompt: new Int32Array(600) };
    await expect(engine.score([long], null)).rejects.toThrow("longer than the model's 512 positions");
  });

  it('works on after a caller’s mistake', async () => {
    const broken = { ...rows[0]!, chosen: ids(1000) };
    const onToken = () => {
      throw new Error('a mistake');
    };
    await expect(
      engine.generate([ids(1)], null, { maxNewTokens: 3, stopTokens: [], onToken }),
    ).rejects.toThrow('a mistake');
    await expect(engine.score([{ ...broken, prompt: ids(1000) }], null)).rejects.toThrow(
      'there are 300 tokens',
    );
    expect((await engine.score(rows, null)).chosen).toHaveLength(rows.length);
  });
});

it('is another engine over a quantized base', async () => {
  const [whole, quantized] = [await open('well'), await open('nf4')];
  expect(quantized.identity).not.toBe(whole.identity);
  expect([whole.precision, quantized.precision]).toEqual(['float32', 'nf4/float32']);
  // As it was before there was a choice: cached log-probs and runs stay what they are.
  expect(whole.identity).toBe(`torch:${sha256([model.identity, 'float32', 'cpu', '2', '5'])}`);
  await whole.close();
  await quantized.close();
});

describe('a worker that misbehaves ends the work, once and for all:', () => {
  it.each([
    ['dies', 'connection to the torch worker broke'],
    ['gives-up', 'the torch worker gave up: out of memory'],
    ['noise', 'broke the protocol: a frame announces'],
    ['another-reply', 'broke the protocol: expected "log_probs", got "done"'],
    ['another-shape', 'broke the protocol: "log_probs" is not the Float64Array'],
    ['truncates', 'the stream ended within a frame'],
    ['unasked', 'broke the protocol'],
  ])('%s', async (mode, problem) => {
    const engine = await open(mode);
    const generating = engine
      .generate([ids(1)], null, { maxNewTokens: 200, stopTokens: [] })
      .catch(() => 'ended');
    await expect(engine.score(rows, null)).rejects.toMatchObject({
      message: expect.stringContaining(problem),
      exitCode: 1,
    });
    await expect(engine.score(rows, null)).rejects.toThrow(problem);
    await generating;
    await engine.close();
  });
});

describe('a worker that cannot begin', () => {
  it.each([
    ['ends-at-once', /ended \(1\)\nThe worker's last words:\nModuleNotFoundError: torch/],
    ['newer', /lifealign [\d.]+ speaks protocol 3 .* the worker \(9\.9\.9\) speaks protocol 4/],
    ['no-model', /gave up: there is no model\nThe worker's last words:\na traceback/],
  ])('is refused: %s', async (mode, problem) => {
    await expect(start(mode)).rejects.toThrow(problem);
  });

  it('refuses what it was asked for in so many words, as a mistake of the user’s', async () => {
    await expect(start('refuses')).rejects.toMatchObject({
      message: 'engine torch: quantization nf4: there is no bitsandbytes',
      exitCode: 2,
    });
  });

  it('is refused with another model than the host’s', async () => {
    await expect(open('another-model')).rejects.toThrow('hidden 64 where config.json says 32');
  });

  it('is refused where there is none', async () => {
    const command = { program: '/nowhere/python', args: [], packageFolder: null };
    await expect(startWorker(command)).rejects.toThrow(/could not be started: .*nowhere/);
  });

  it('is ended by a signal', async () => {
    const reason = new Error('enough');
    const abort = new AbortController();
    const command = {
      program: process.execPath,
      args: ['-e', 'setTimeout(() => {}, 1e6)', '--'],
      packageFolder: null,
    };
    const started = startWorker(command, abort.signal);
    setTimeout(() => abort.abort(reason), 200);
    await expect(started).rejects.toBe(reason);
  });
});

it('a closed engine takes no more', async () => {
  const engine = await open('well');
  const generating = engine.generate([ids(1)], null, { maxNewTokens: 400, stopTokens: [] });
  generating.catch(() => {});
  await engine.close();
  await expect(generating).rejects.toThrow('was closed');
  await expect(engine.score(rows, null)).rejects.toThrow('was closed');
});
