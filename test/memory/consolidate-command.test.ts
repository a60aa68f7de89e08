/** The `consolidate` command on PEFT folders: values, report, and refusals that write nothing. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { registerConsolidate } from '../../src/cli/commands/consolidate.ts';
import { runProgram } from '../../src/cli/run.ts';
import { type LoraAdapter, type LoraTensor, loraTensorName } from '../../src/model/adapter.ts';
import { readPeftAdapter, writePeftAdapter } from '../../src/model/peft.ts';
import { cases, expectClose, tensor } from './fixture.ts';

const PATH = 'model.layers.0.self_attn.q_proj';
const [NAME_A, NAME_B] = [loraTensorName(PATH, 'A'), loraTensorName(PATH, 'B')];

function caseNamed(name: string) {
  const found = cases.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`the fixture has no case "${name}"`);
  return found;
}
const [caseA, caseB] = [caseNamed('module A'), caseNamed('module B')];

function adapterOf(a: LoraTensor, b: LoraTensor, alpha = 16): LoraAdapter {
  const tensors = new Map([
    [NAME_A, a],
    [NAME_B, b],
  ]);
  return { settings: { rank: a.shape[0], alpha, targets: ['q_proj'] }, tensors };
}

let folder: string;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-consolidate-'));
  await write('before', adapterOf(tensor(caseA.before), tensor(caseB.before)));
  await write('after', adapterOf(tensor(caseA.after), tensor(caseB.after)));
  for (const i of [0, 1]) {
    const [a, b] = [caseA.history[i], caseB.history[i]];
    if (a === undefined || b === undefined) throw new Error('the cases have two rows each');
    await write(`history${i}`, adapterOf(tensor(a), tensor(b)));
  }
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
const write = (name: string, adapter: LoraAdapter, baseModel = 'base') =>
  writePeftAdapter(at(name), adapter, { baseModel });
const consolidate = (...options: string[]) =>
  runProgram(new Command('lifealign'), [registerConsolidate], ['consolidate', ...options]);
const adapters = (output = 'out') => [
  '--before',
  at('before'),
  '--after',
  at('after'),
  '--output',
  at(output),
];
const histories = ['history0', 'history1'].flatMap((name) => ['--history', name]);
const historyOptions = () => histories.map((item) => (item.startsWith('--') ? item : at(item)));

async function expectValues(name: string, side: 'refined' | 'long_term'): Promise<void> {
  const { tensors } = await readPeftAdapter(at(name));
  expectClose(tensors.get(NAME_A)?.data ?? [], caseA.expected[side].data);
  expectClose(tensors.get(NAME_B)?.data ?? [], caseB.expected[side].data);
}

describe('consolidate', () => {
  it('writes the adapter and the refined memory that numpy computes, and reports shares in percent', async () => {
    const settings = ['--threshold', '0.8', '--lambda', '0.3'];
    expect(await consolidate(...adapters(), ...historyOptions(), ...settings)).toBe(0);
    expect(stderr).toBe('');
    await expectValues('out', 'long_term');
    await expectValues('out/refined', 'refined');
    expect(await readPeftAdapter(at('out'))).toMatchObject({
      baseModel: 'base',
      settings: { rank: 4, alpha: 16 },
    });

    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      threshold: 0.8,
      lambda: 0.3,
      history: [at('history0'), at('history1')],
      totals: { matrices: 2, mean_kept_rank: (caseA.expected.kept_rank + caseB.expected.kept_rank) / 2 },
      matrices: [
        { name: NAME_A, shape: [4, 12], history_rank: 2 },
        { name: NAME_B, shape: [10, 4] },
      ],
    });
    const energies = caseA.expected.singular_values.map((s) => s * s);
    const kept = energies.slice(0, caseA.expected.kept_rank);
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    expect(report.matrices[0].energy_kept).toBeCloseTo((100 * sum(kept)) / sum(energies), 4);
    expect(report.matrices[0].short_term_energy).toBeCloseTo(sum(energies), 5);
  });

  it('takes its own refined memory as the next history', async () => {
    expect(await consolidate(...adapters(), '--lambda', '0', '--threshold', '1')).toBe(0);
    // The same change once more: all of it lies in old directions, so lambda 0 keeps none.
    expect(
      await consolidate(
        ...adapters('next'),
        '--history',
        at('out/refined'),
        '--lambda',
        '0',
        '--threshold',
        '1',
      ),
    ).toBe(0);
    const { tensors } = await readPeftAdapter(at('next'));
    expectClose(tensors.get(NAME_A)?.data ?? [], caseA.before.data);
  });

  it('in product space takes its own refined memory as the next history, and reports module by module', async () => {
    const options = ['--space', 'product', '--threshold', '1', '--lambda', '0'];
    expect(await consolidate(...adapters(), ...options)).toBe(0);
    const first = JSON.parse(stdout);
    expect(first).toMatchObject({ space: 'product', matrices: [{ name: PATH, shape: [10, 12] }] });
    // Rank 8 of 4 at most: the refined memory is cut, and what is merged is the trained adapter itself.
    expect(first.matrices[0].rank_lost).toBe(0);
    expect(first.matrices[0].refined_rank_lost).toBeGreaterThan(0);
    stdout = '';
    expect(await consolidate(...adapters('next'), '--history', at('out/refined'), ...options)).toBe(0);
    const { matrices } = JSON.parse(stdout);
    // Of the same change again, all but what the memory lost lies in an old direction.
    expect(matrices[0].old_directions_share).toBeCloseTo(100 - first.matrices[0].refined_rank_lost, 3);
    expect(matrices[0].rank_lost).toBeGreaterThan(0);
  });

  it('with threshold and lambda 1 gives the trained adapter, bit for bit', async () => {
    expect(await consolidate(...adapters(), ...historyOptions(), '--threshold', '1', '--lambda', '1')).toBe(
      0,
    );
    expect((await readPeftAdapter(at('out'))).tensors).toEqual((await readPeftAdapter(at('after'))).tensors);
  });

  it('reports null where nothing changed', async () => {
    const options = ['--before', at('after'), '--after', at('after'), '--output', at('out')];
    expect(await consolidate(...options)).toBe(0);
    expect(JSON.parse(stdout).totals).toMatchObject({
      mean_kept_rank: 0,
      energy_kept: null,
      refined_energy: 0,
    });
  });

  it('warns of another base model, and of a history that is an adapter and not its refined memory', async () => {
    await write('after', adapterOf(tensor(caseA.after), tensor(caseB.after)), 'another');
    await write('history0/refined', adapterOf(tensor(caseA.after), tensor(caseB.after)));
    expect(await consolidate(...adapters(), '--history', at('history0'))).toBe(0);
    expect(stderr).toMatch(/before names the base model base, .*after names another/);
    expect(stderr).toMatch(/history0 has a refined\/ folder/);
  });

  describe('refuses, with exit code 2 and nothing written:', () => {
    const refused = async (message: RegExp, ...options: string[]) => {
      const before = readdirSync(folder, { recursive: true }).sort();
      expect(await consolidate(...options)).toBe(2);
      expect(stderr).toMatch(message);
      expect(stdout).toBe('');
      expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before);
    };

    it.each([
      ['--threshold', '0', /threshold: expected a number above 0 and up to 1, found 0/],
      ['--threshold', '1.01', /threshold/],
      ['--threshold', 'most', /--threshold: expected a number, found "most"/],
      ['--lambda', '-0.1', /lambda: expected a number from 0 to 1, found -0.1/],
      ['--lambda', '', /--lambda: expected a number/],
      ['--lambda', 'NaN', /--lambda: expected a number/],
      ['--space', 'sum', /--space.*Allowed choices are factors, product/],
    ])('%s %s', (option, value, message) => refused(message, ...adapters(), option, value));

    it('a missing option, and a folder that is no adapter', async () => {
      await refused(/required option '--output/, '--before', at('before'), '--after', at('after'));
      await refused(/nowhere: not a PEFT adapter folder/, ...adapters(), '--history', at('nowhere'));
    });

    it('an output that is not empty', async () => {
      mkdirSync(at('out'));
      writeFileSync(at('out/notes.txt'), 'mine');
      await refused(/out: the folder already exists/, ...adapters());
    });

    it('adapters that do not agree, naming the tensor', async () => {
      const a = tensor(caseA.after);
      const wider: LoraTensor = { shape: [11, 4], data: new Float32Array(44) };
      await write('history0', adapterOf(a, wider));
      await refused(
        /history0: .*q_proj\.lora_B\.weight" is \[11, 4\], .* \[10, 4\]/,
        ...adapters(),
        ...historyOptions().slice(0, 2),
      );
      await write('after', adapterOf(a, wider));
      await refused(
        /--before .*before: tensor .*lora_B\.weight" is \[10, 4\], in --after .*after it is \[11, 4\]/,
        ...adapters(),
      );
      await write('after', adapterOf(a, tensor(caseB.after), 32));
      await refused(/before: lora_alpha is 16, in --after .*after it is 32/, ...adapters());
      const moved = loraTensorName('model.layers.1.self_attn.q_proj', 'A');
      const other = loraTensorName('model.layers.1.self_attn.q_proj', 'B');
      const tensors = new Map([
        [moved, a],
        [other, tensor(caseB.after)],
      ]);
      await write('after', { settings: { rank: 4, alpha: 16, targets: ['q_proj'] }, tensors });
      await refused(/before: tensor "base_model.*layers\.1.*lora_A\.weight" of .* is missing/, ...adapters());
    });

    it('values that leave the range of float32', async () => {
      const huge = (value: number): LoraTensor => ({
        shape: [4, 12],
        data: new Float32Array(48).fill(value),
      });
      await write('before', adapterOf(huge(-3e38), tensor(caseB.before)));
      await write('after', adapterOf(huge(3e38), tensor(caseB.after)));
      await refused(/lora_A\.weight" in the refined memory: the value at index 0 is Infinity/, ...adapters());
    });
  });
});
