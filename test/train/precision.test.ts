/** In what precision a run's base was held goes with its adapters, and a run goes on in its own alone. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readAdapterFolder } from '../../src/model/adapter-folder.ts';
import { checkRunBase, openFinishedRun } from '../../src/train/evaluate/finished-run.ts';
import { workspace } from './temporary-folder.ts';
import { ToyEngine, toyText } from './toy-engine.ts';
import { runToy, toyConfig } from './toy-stream.ts';

const QUANTIZED = 'nf4/bfloat16';
const engine = { name: 'torch', dtype: 'bfloat16', quantization: 'nf4' };
const adapterOf = (folder: string) => join(folder, 'output', 'tasks', '2-high', 'adapter');
const precisionsOf = async (folder: string) => (await readAdapterFolder(adapterOf(folder))).basePrecisions;

async function quantizedRun(): Promise<string> {
  const folder = workspace();
  await runToy(toyConfig({ engine }), { folder, engine: new ToyEngine({ precision: QUANTIZED }) });
  return folder;
}

it('is in every adapter that it writes, of LoRA matrices and of soft prompts', async () => {
  expect(await precisionsOf(await quantizedRun())).toEqual([QUANTIZED]);
  const folder = workspace();
  const { lora: _, ...config } = toyConfig();
  await runToy({ ...config, method: 'l2p' }, { folder });
  expect(await precisionsOf(folder)).toEqual(['float32']);
});

it('stays known where another run begins with its adapter, which is warned of', async () => {
  const adapter = adapterOf(await quantizedRun());
  const folder = workspace();
  const log: string[] = [];
  const { lora: _, ...config } = toyConfig({ adapter });
  await runToy(config, { folder, environment: { log: (line) => void log.push(line) } });
  expect(log).toContainEqual(
    expect.stringMatching(
      /^warning: .*adapter was trained over a base in nf4\/bfloat16, and it is used over/,
    ),
  );
  expect(await precisionsOf(folder)).toEqual([QUANTIZED, 'float32']);
});

it('decides whether a run is resumed, and the message names both', async () => {
  const folder = await quantizedRun();
  await expect(runToy(toyConfig(), { folder, environment: { resume: true } })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(
      /field "base": the run to resume differs: .*; its base was held in nf4\/bfloat16, and is now in float32$/,
    ),
  });
});

it('decides whether a base is that of a finished run', async () => {
  const run = await openFinishedRun(join(await quantizedRun(), 'output'));
  expect(() => checkRunBase(run, new ToyEngine({ precision: QUANTIZED }), toyText)).not.toThrow();
  expect(() => checkRunBase(run, new ToyEngine(), toyText)).toThrow(
    /the run was trained over a base in nf4\/bfloat16, and this one is in float32; leave out --engine/,
  );
});
