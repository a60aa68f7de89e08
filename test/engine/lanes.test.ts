/** Work in several threads: its order, its errors, its end. */
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { Lanes } from '../../src/engine/ort/lanes.ts';
import { Lane } from '../../src/engine/ort/worker/lane.ts';
import { openTiny, randomRows } from '../model/tiny.ts';

const here = dirname(fileURLToPath(import.meta.url));
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('Lanes', () => {
  it('take results in the order of jobs, whichever is done first', async () => {
    const lanes = new Lanes(3);
    const taken: number[] = [];
    await lanes.run({
      lanes: 3,
      jobs: [40, 1, 20, 1, 1],
      isAlone: (job) => job === 20,
      work: (job) => pause(job).then(() => job),
      take: (result) => void taken.push(result),
    });
    await lanes.close();
    expect(taken).toEqual([40, 1, 20, 1, 1]);
  });

  it('begin nothing after a failure, and tell the first', async () => {
    const lanes = new Lanes(2);
    const begun: number[] = [];
    const work = async (job: number) => {
      begun.push(job);
      await pause(5);
      if (job === 1) throw new Error('job 1');
      await pause(20);
      return job;
    };
    const jobs = [0, 1, 2, 3, 4, 5];
    await expect(lanes.run({ lanes: 2, jobs, isAlone: () => false, work, take: () => {} })).rejects.toThrow(
      'job 1',
    );
    await lanes.close();
    expect(begun).toEqual([0, 1]);
  });
});

describe('a lane', () => {
  it('tells what the runtime says, and works on', async () => {
    const lane = new Lane();
    const broken = { bytes: Uint8Array.of(1, 2, 3), inputs: [], weightsFolder: '.' };
    await expect(lane.open([broken], {})).rejects.toThrow(/protobuf|parse|load/i);
    await expect(lane.open([broken], {})).rejects.toThrow(/protobuf|parse|load/i);
    await lane.close();
    await expect(lane.open([broken], {})).rejects.toThrow('closed');
  });
});

describe('an engine with lanes', () => {
  it('can be closed while at work', async () => {
    const { model } = await openTiny('untied-gqa', 'all');
    const engine = await createOrtEngine(model, { threads: 2, lanes: 2, pairsPerBatch: 1 });
    const rows = randomRows(
      Array.from({ length: 40 }, () => [9, 5, 5] as const),
      model.config.vocabularySize,
      1,
    );
    const work = engine.score(rows, null);
    const outcome = expect(work).rejects.toThrow('closed');
    await pause(5);
    await engine.close();
    await outcome;
  });

  it('that nobody closed lets the process end', async () => {
    const url = (path: string) => JSON.stringify(pathToFileURL(join(here, path)).href);
    const script = `
      const { createOrtEngine } = await import(${url('../../src/engine/ort/index.ts')});
      const { openTiny, randomRows } = await import(${url('../model/tiny.ts')});
      const { model } = await openTiny('untied-gqa', 'all');
      const engine = await createOrtEngine(model, { threads: 2, lanes: 2, pairsPerBatch: 1 });
      const rows = randomRows([[3, 2, 2], [3, 2, 2]], model.config.vocabularySize, 1);
      const { chosen } = await engine.score(rows, null);
      console.log(chosen.length);`;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const { stdout } = await execa(process.execPath, args, { timeout: 30_000, cwd: here });
    expect(stdout).toBe('2');
  });
});
