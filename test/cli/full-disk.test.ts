/**
 * A disk that fills up, played by a limit on the size of files: exit code 1, a message that names the file
 * and the reason, and nothing half-written under a final name.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { outcome } from '../train/toy-stream.ts';
import { contents, lifealign, MODEL, ROWS, spawnLifealign } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const REASON = 'cannot write: the file would be larger than this system allows (EFBIG)';

/** Runs a command under the limit, which must stop it at `file`. */
function expectFull(args: readonly string[], fileBlocks: number, file: string): void {
  const { code, stdout, stderr } = spawnLifealign(args, fileBlocks);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(`lifealign: ${file}: ${REASON}`);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).not.toMatch(/^\s+at |defect/m);
}

it('score leaves an earlier result as it was', () => {
  const rows = JSON.parse(readFileSync(ROWS, 'utf8'));
  writeFileSync(at('data.json'), JSON.stringify(Array.from({ length: 10 }, () => rows).flat()));
  writeFileSync(at('scores.jsonl'), 'earlier\n');
  const files = ['--data', at('data.json'), '--output', at('scores.jsonl')];
  expectFull(['score', '--model', MODEL, ...files], 2, at('scores.jsonl'));
  expect(readFileSync(at('scores.jsonl'), 'utf8')).toBe('earlier\n');
  expect(contents(folder())).toEqual(['data.json', 'scores.jsonl']);
});

it('consolidate leaves no folder', () => {
  const adapter = join(MODEL, 'adapters/all');
  const args = ['consolidate', '--before', adapter, '--after', adapter, '--output', at('out')];
  const { code, stdout, stderr } = spawnLifealign(args, 8);
  expect(stderr).toBe(`lifealign: ${at('out/adapter_model.safetensors')}: ${REASON}\n`);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(contents(folder())).toEqual([]);
});

it('a GGUF conversion leaves no model in the cache', () => {
  const gguf = join(import.meta.dirname, '../model/fixtures/tiny-llama.gguf');
  const args = ['score', '--model', gguf, '--data', ROWS, '--output', at('scores.jsonl')];
  const { code, stderr } = spawnLifealign(args, 8);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^lifealign: .*cannot write: .*\(EFBIG\)$/m);
  expect(contents(join(folder(), 'cache')).filter((path) => path.startsWith('models/'))).toEqual([]);
});

it('train keeps its last checkpoint and goes on from there when there is room', async () => {
  const stage = { epochs: 2, batch_size: 1, warmup_ratio: 0, learning_rate: 0.01 };
  const config = {
    base: MODEL,
    lora: { rank: 1, targets: ['q_proj'] },
    tasks: ['one', 'two'].map((name) => ({ name, train: ROWS, test: ROWS })),
    stages: { sft: stage, preference: stage },
  };
  writeFileSync(at('run.yaml'), stringify(config));
  const train = (output: string) => ['train', at('run.yaml'), '--output-dir', at(output)];
  expect((await lifealign(...train('undisturbed'))).code).toBe(0);

  // By now the step log is the longest file: the second task's last lines do not fit.
  const fileBlocks = Math.floor((0.9 * statSync(at('undisturbed/steps.jsonl')).size) / 1024);
  expectFull(train('run'), fileBlocks, at('run/steps.jsonl'));
  expect(contents(folder()).filter((path) => path.includes('.tmp-'))).toEqual([]);

  const resumed = await lifealign(...train('run'), '--resume');
  expect(resumed.stderr).toMatch(/^resuming: task 2\/2 two, preference, after step 0$/m);
  expect(outcome(at('run'))).toEqual(outcome(at('undisturbed')));
});
