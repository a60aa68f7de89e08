/** A run of L2P on a real model, and its prompt pool wherever a command takes an adapter. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isPromptPool, SOFT_PROMPTS } from '../../src/model/adapter.ts';
import { readAdapterFolder } from '../../src/model/adapter-folder.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { lifealign, MODEL, ROWS } from './command.ts';

const folder = useTemporaryCache();
const at = (...names: string[]) => join(folder(), ...names);
const json = (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8'));

async function trainRun(): Promise<string> {
  const stage = { epochs: 2, batch_size: 2, learning_rate: 0.05, warmup_ratio: 0 };
  const config = {
    ...{ base: MODEL, method: 'l2p', method_settings: { pool_size: 4, prompt_length: 3, top_k: 2 } },
    tasks: [{ name: 'one', train: ROWS, test: ROWS }],
    stages: { sft: stage, preference: stage },
    general: { rows: 'builtin:neutral/everyday', limit: 2, max_new_tokens: 3 },
    generation: { max_new_tokens: 4, samples: 1 },
  };
  writeFileSync(at('run.yaml'), JSON.stringify(config));
  const { code, stderr } = await lifealign(
    'train',
    at('run.yaml'),
    '--output-dir',
    at('run'),
    '--threads',
    '1',
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return at('run', 'tasks', '1-one', 'adapter');
}

it('trains, and is scored, answers and is evaluated as the run itself was', async () => {
  const adapter = await trainRun();
  expect(readdirSync(adapter).sort()).toEqual(['prompt_pool.json', 'prompt_pool.safetensors']);
  const pool = await readAdapterFolder(adapter);
  expect(isPromptPool(pool)).toBe(true);
  expect(pool.tensors.get(SOFT_PROMPTS)!.shape).toEqual([12, 32]);
  const steps = readFileSync(at('run', 'steps.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const sft = steps.filter(({ stage }) => stage === 'sft');
  expect(sft.at(-1).loss).toBeLessThan(sft[0].loss - 0.05);

  const onModel = ['--model', MODEL, '--adapter', adapter, '--threads', '1'];
  await lifealign('score', ...onModel, '--data', ROWS, '--output', at('scores.jsonl'));
  const scores = readFileSync(at('scores.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const measured = json('run', 'tasks', '1-one', 'scores', '1-one.json');
  expect(scores).toHaveLength(5);
  for (const [row, { chosen_logp, rejected_logp }] of scores.entries()) {
    expect(chosen_logp).toBeCloseTo(measured[row].chosen_logp, 3);
    expect(rejected_logp).toBeCloseTo(measured[row].rejected_logp, 3);
    expect(Math.abs(chosen_logp - measured[row].base_chosen_logp)).toBeGreaterThan(0.1);
  }

  // Six tokens of what a row may have are soft prompts.
  const short = ['--data', ROWS, '--output', at('short.jsonl'), '--max-length', '40'];
  expect((await lifealign('score', ...onModel, ...short)).stderr).toContain('to fit 34 tokens');

  const answer = async (...more: string[]) => {
    const output = at('answers.jsonl');
    const flags = ['--model', MODEL, '--data', ROWS, '--output', output, '--max-new-tokens', '4', ...more];
    expect((await lifealign('generate', ...flags)).code).toBe(0);
    return readFileSync(output, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).text);
  };
  const answers = await answer('--adapter', adapter);
  expect(answers).not.toEqual(await answer());
  expect(answers[0]).toBe(json('run', 'tasks', '1-one', 'samples', '1-one.json')[0].answer);

  const evaluated = await lifealign(
    'evaluate',
    '--run',
    at('run'),
    '--output-dir',
    at('out'),
    '--threads',
    '1',
  );
  const { tasks, general } = JSON.parse(evaluated.stdout);
  const { margin, general: ofRun } = json('run', 'matrix.json');
  expect(tasks[0].scores.margin).toBeCloseTo(margin.matrix[0][0], 3);
  const again = ['--output-dir', at('shorter'), '--max-length', '40', '--threads', '1'];
  expect((await lifealign('evaluate', '--run', at('run'), ...again)).stderr).toContain('to fit 34 tokens');
  expect(general.kl).toBeCloseTo(ofRun.kl[0], 4);
});

it('is refused by name where only LoRA matrices will do, or where it does not fit', async () => {
  const adapter = await trainRun();
  const consolidate = ['consolidate', '--before', adapter, '--after', adapter, '--output', at('out')];
  const refused = await lifealign(...consolidate);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('adapter: holds a prompt pool; expected a PEFT adapter, of LoRA matrices');
  const other = ['--model', 'tiny', '--adapter', adapter, '--data', ROWS, '--output', at('scores.jsonl')];
  const unfit = await lifealign('score', ...other, '--threads', '1');
  expect(unfit).toMatchObject({ code: 2, stdout: '' });
  expect(unfit.stderr).toContain('its soft prompts have 32 numbers');
});
