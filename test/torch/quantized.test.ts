/**
 * Bases in 4 and 8 bits: the conformance suite over the original model, held to the reference kernels over a copy
 * whose weights are those that the codes stand for (make_dequantized.py); and that nothing else passes for it.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TorchEngine } from '../../src/engine/torch/torch-engine.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { contents, scoreOn, spawnLifealign } from '../cli/command.ts';
import { describeEngine, LENGTHS, type OpenEngine } from '../engine/conformance.ts';
import { describeGeneration } from '../engine/generation-conformance.ts';
import { writeSmallStream } from '../faults/small-stream.ts';
import { openTiny, randomRows } from '../model/tiny.ts';
import { oraclePython, runOracle } from '../parity/environment.ts';
import { openTorch } from './open.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifealign-quantized-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const fixture = (name: string) =>
  fileURLToPath(new URL(`../parity/fixtures/models/${name}`, import.meta.url));
const FORMATS = ['nf4', 'int8'] as const;
type Format = (typeof FORMATS)[number];

await runOracle('make_dequantized.py', folder, fixture('untied-gqa'), fixture('biased'));

/** Given the copy, opens the original. */
const openQuantized =
  (quantization: Format, settings = {}): OpenEngine =>
  async (model) => {
    const { path, weights } = await openModelFolder(fixture(basename(model.path)));
    return openTorch({ quantization, ...settings })({ ...model, path, weights });
  };

/** `untied-gqa` has rows shorter than a block of numbers; `biased` such as are no multiple of one, and biases. */
const subject = (format: Format, name: string, adapter: string) =>
  [[join(folder, format, name), adapter] as const] as const;

describe('nf4', () => {
  const variants = {
    'layers recomputed': openQuantized('nf4', { gradient_checkpointing: true }),
    'two ranks': openQuantized('nf4', { ranks: 2 }),
  };
  describeEngine('torch', openQuantized('nf4'), variants, subject('nf4', 'untied-gqa', 'all'));
  describeEngine('torch', openQuantized('nf4'), {}, subject('nf4', 'biased', 'mixed'));
  describeGeneration('torch', openQuantized('nf4'), subject('nf4', 'untied-gqa', 'all'));
});

describe('int8', () => {
  describeEngine('torch', openQuantized('int8'), {}, subject('int8', 'biased', 'mixed'));
});

describe('precisions', () => {
  const engines = new Map<string, TorchEngine>();
  beforeAll(async () => {
    const { model } = await openTiny('untied-gqa', 'all');
    for (const quantization of ['none', ...FORMATS] as const) {
      engines.set(quantization, (await openTorch({ quantization })(model)) as TorchEngine);
    }
    engines.set(
      'bfloat16',
      (await openTorch({ quantization: 'nf4', dtype: 'bfloat16' })(model)) as TorchEngine,
    );
  });
  afterAll(async () => {
    for (const engine of engines.values()) await engine.close();
  });

  it('each have an identity of their own', () => {
    expect(new Set(Array.from(engines.values(), ({ identity }) => identity)).size).toBe(4);
    expect(Array.from(engines.values(), ({ precision }) => precision)).toEqual([
      ...['float32', 'nf4/float32', 'int8/float32', 'nf4/bfloat16'],
    ]);
    expect(engines.get('nf4')!.versions).toHaveProperty('bitsandbytes');
    expect(engines.get('none')!.versions).not.toHaveProperty('bitsandbytes');
  });

  it('take the memory that they promise', async () => {
    const bytes = async (name: string) => (await engines.get(name)!.counters()).layer_bytes;
    const whole = await bytes('none');
    // Of small matrices, half a kibibyte of levels each is most of what 4 bits take.
    expect(await bytes('int8')).toBeLessThan(0.3 * whole);
    expect(await bytes('nf4')).toBeLessThan(0.45 * whole);
    expect(await bytes('bfloat16')).toBeLessThan(await bytes('nf4'));
  });

  it('give log-probs of their own, closer to the base’s the finer they are', async () => {
    const rows = randomRows(LENGTHS, 300, 7);
    const base = await engines.get('none')!.score(rows, null);
    const distance = async (name: string) => {
      const { chosen } = await engines.get(name)!.score(rows, null);
      return Math.hypot(...chosen.map((value, row) => value - base.chosen[row]!));
    };
    const [coarse, fine, half] = [await distance('nf4'), await distance('int8'), await distance('bfloat16')];
    expect(fine).toBeGreaterThan(0.001 * Math.hypot(...base.chosen));
    expect(coarse).toBeGreaterThan(3 * fine);
    expect(half).toBeGreaterThan(3 * fine);
  });
});

describe('a run over a base in 4 bits', () => {
  const python = oraclePython();
  const engine = (quantization: string) => `{name: torch, device: cpu, quantization: ${quantization}}`;
  const run = async (...args: string[]) => {
    vi.stubEnv('LIFEALIGN_PYTHON', await python);
    return spawnLifealign(['train', join(folder, 'run.yaml'), '--output-dir', join(folder, 'run'), ...args]);
  };

  it('has its reference from the same base, and goes on with no other', async () => {
    writeSmallStream(folder);
    const first = await run('--engine', engine('nf4'), '--set', 'stages.sft.epochs=0');
    expect(first.code, first.stderr).toBe(0);
    const steps = readFileSync(join(folder, 'run', 'steps.jsonl'), 'utf8')
      .trim()
      .split('\n');
    // B is zero before the first step: policy and reference are one.
    const step = JSON.parse(steps[0]!);
    expect(step['logps/chosen']).toBeLessThan(-1);
    expect(Math.abs(step['rewards/chosen'])).toBeLessThan(1e-4);
    expect(Math.abs(step['rewards/rejected'])).toBeLessThan(1e-4);
    const other = await run('--resume', '--engine', engine('none'), '--set', 'stages.sft.epochs=0');
    expect(other.stderr).toContain('its base was held in nf4/float32, and is now in float32');
    expect(other.code).toBe(2);
    const adapter = join(folder, 'run', 'tasks');
    const [task] = readdirSync(adapter);
    const found = await readPeftAdapter(join(adapter, task!, 'adapter'));
    expect(found.basePrecisions).toEqual(['nf4/float32']);
  });

  it('is refused where bitsandbytes does not load, and nothing is written', async () => {
    const broken = join(folder, 'broken');
    mkdirSync(join(broken, 'bitsandbytes'), { recursive: true });
    writeFileSync(
      join(broken, 'bitsandbytes', '__init__.py'),
      'raise ImportError("no library for this system")\n',
    );
    vi.stubEnv('PYTHONPATH', broken);
    vi.stubEnv('LIFEALIGN_PYTHON', await python);
    const output = join(folder, 'scores.jsonl');
    const found = await scoreOn(engine('nf4'), output);
    vi.unstubAllEnvs();
    expect(found.stderr).toMatch(
      /quantization nf4: bitsandbytes cannot be loaded \(ImportError: no library for this system\)/,
    );
    expect(found.stderr).toContain('engine install torch --quantization');
    expect(found.code).toBe(2);
    expect(contents(folder)).not.toContain('scores.jsonl');
  });
});
