/** The gate on the embedded base, at sizes of seconds; more tasks, with all numbers: experiments/memory/gate.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { builtinRows } from '../../src/data/builtin/rows.ts';
import { lifealign } from '../cli/command.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);

const config = {
  base: 'tiny',
  learn: {
    // One stage, and no neutral conversations: graphs that are not needed are not made.
    stages: {
      sft: { epochs: 2, batch_size: 8, warmup_ratio: 0, learning_rate: 8e-3 },
      preference: { epochs: 0 },
    },
    general: null,
    max_length: 256,
    split: { gate: 32, report: 12 },
    gate: { max_drift: null },
    search: { lambda: [0.5], threshold: [0.9], scale: [1, 0.25] },
  },
};

async function learn(task: string, of: string, seed: number, isSwapped = false) {
  const rows = builtinRows(builtinTasks.find(({ name }) => name === of)!, 'train', 80, seed);
  const swapped = rows.map(({ query, chosen, rejected }) => ({ query, chosen: rejected, rejected: chosen }));
  writeFileSync(at(`${task}.json`), JSON.stringify(isSwapped ? swapped : rows));
  const args = ['learn', '--memory', at('memory'), '--task', task, '--data', at(`${task}.json`), '--json'];
  const { code, stdout } = await lifealign(...args);
  return { code, result: JSON.parse(stdout) };
}

it('lets a task of its own pass, and refuses an earlier task’s labels swapped, with what would have broken', async () => {
  writeFileSync(at('memory.yaml'), stringify(config));
  const init = ['memory', 'init', '--memory', at('memory'), '--config', at('memory.yaml')];
  expect(await lifealign(...init)).toMatchObject({ code: 0 });
  const harmless = await learn('empathy', 'empathy', 0);
  expect(harmless).toMatchObject({ code: 0, result: { committed: true, gate: { passed: true } } });
  const poisoned = await learn('poisoned', 'empathy', 1, true);
  expect(poisoned).toMatchObject({ code: 3, result: { committed: false } });
  const { limits, searched } = poisoned.result.gate;
  expect(limits.find(({ task }: { task: string }) => task === 'empathy')).toMatchObject({ broken: true });
  expect(searched).toHaveLength(1);
}, 120_000);
