/** `--engine`, `engine:` in configs, `engine install` and `engine doctor`, where there is no torch. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { contents, lifealign, MODEL, ROWS, scoreOn } from './command.ts';

const folder = useTemporaryCache();
beforeEach(() => {
  vi.stubEnv('LIFEALIGN_PYTHON', '');
});

const score = (engine: string) => scoreOn(engine, join(folder(), 'o.jsonl'));

/** A program that says, as a Python would with the worker's packages, what it has. */
async function fakePython(report: object): Promise<void> {
  const path = join(folder(), 'python');
  await writeFile(path, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(report)}\nEND\n`);
  await chmod(path, 0o755);
  vi.stubEnv('LIFEALIGN_PYTHON', path);
}

describe('--engine', () => {
  it('ort is the engine that is taken anyway', async () => {
    expect(await score('ort')).toMatchObject({ code: 0 });
    expect(contents(folder())).toContain('o.jsonl');
  });

  it.each([
    ['torch', /not installed; run: lifealign engine install torch/],
    ['onnx', /--engine\.name: expected an engine, ort or torch/],
    ['{name: torch, dtyp: x}', /--engine: Unrecognized key: "dtyp"; known: name, dtype, /],
    ['{name: torch, quantization: nf3}', /--engine\.quantization: /],
    ['{name: torch, quantization: nf4, parallel: fsdp}', /--engine\.quantization: .* with parallel: fsdp/],
    ['{name: torch, ranks: 0}', /--engine\.ranks: /],
    ['{name: ort, dtype: float32}', /--engine: Unrecognized key: "dtype"/],
    ['[1', /--engine \[1: not valid YAML/],
    ['3', /--engine: /],
  ])('%s is refused', async (engine, message) => {
    const { code, stderr } = await score(engine);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(contents(folder())).toEqual([]);
  });

  it('in a config is refused by key', async () => {
    const config = (engine: string) =>
      `base: ${MODEL}\nengine: ${engine}\ntasks: [{name: a, train: ${ROWS}, test: ${ROWS}}]\n`;
    const file = join(folder(), 'run.yaml');
    const train = async (engine: string) => {
      await writeFile(file, config(engine));
      return lifealign('train', file, '--output-dir', join(folder(), 'run'));
    };
    expect(await train('{name: torch, rank: 2}')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"engine\.rank": unknown key; .*Did you mean "?ranks/),
    });
    expect(await train('torsch')).toMatchObject({ code: 2, stderr: expect.stringContaining('ort or torch') });
    expect(await train('torch')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('engine install torch'),
    });
  });
});

describe('engine doctor', () => {
  const doctor = async () => JSON.parse((await lifealign('engine', 'doctor', '--json')).stdout);

  it('says that torch is not installed, and how it comes to be', async () => {
    const { code, stdout } = await lifealign('engine', 'doctor');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ort: works\n {2}ok +onnxruntime-node +[\d.]+\ntorch: does not work here\n/);
    expect(stdout).toContain('run: lifealign engine install torch');
  });

  it('says what is missing, what differs and what is there', async () => {
    const packages = {
      torch: { version: '2.13.0+cpu' },
      transformers: { version: '4.0.0' },
      safetensors: { problem: "No module named 'safetensors'" },
      numpy: { version: '2.4.6' },
      bitsandbytes: { problem: "No module named 'bitsandbytes'" },
    };
    await fakePython({
      python: '3.12.1',
      packages,
      cuda_build: null,
      gpus: [],
      threads: 2,
      distributed: true,
    });
    const states = Object.fromEntries(
      (await doctor()).torch.map(({ name, state, detail }: Record<string, string>) => [
        name,
        `${state}: ${detail}`,
      ]),
    );
    expect(states).toMatchObject({
      python: expect.stringMatching(/^ok: 3\.12\.1, .*named by LIFEALIGN_PYTHON/),
      torch: 'ok: 2.13.0+cpu',
      transformers: expect.stringMatching(/^note: 4\.0\.0; shown to work: /),
      safetensors: "missing: No module named 'safetensors'",
      gpu: expect.stringContaining('built without CUDA'),
      bitsandbytes: expect.stringMatching(
        /^note: No module named 'bitsandbytes'; only quantization needs it: .* --quantization$/,
      ),
    });
  });

  it('refuses an old Python, and tells of one that says nothing', async () => {
    await fakePython({ python: '3.9.0', packages: {} });
    expect((await doctor()).torch[0]).toMatchObject({
      state: 'missing',
      detail: expect.stringContaining('3.11'),
    });
    await fakePython([]);
    expect((await doctor()).torch).toMatchObject([
      { state: 'missing', detail: expect.stringContaining('cannot tell') },
    ]);
    vi.stubEnv('LIFEALIGN_PYTHON', '/nowhere/python');
    expect((await doctor()).torch[0].detail).toContain('there is no /nowhere/python');
  });
});

describe('engine install', () => {
  it.each([
    [['ort'], 'expected torch, got "ort"'],
    [['torch', '--device', 'tpu'], 'expected cpu or cuda, got "tpu"'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await lifealign('engine', 'install', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it('says which step failed, and leaves nothing that passes for an environment', async () => {
    const { code, stderr } = await lifealign('engine', 'install', 'torch', '--python', 'false');
    expect(stderr).toContain('Command failed with exit code 1: false -m venv');
    expect(code).toBe(1);
    expect(await score('torch')).toMatchObject({ code: 2 });
  });
});
