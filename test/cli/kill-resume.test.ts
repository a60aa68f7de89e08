/**
 * kill -9 of the command itself, on the real engine, within SFT, the preference stage and the evaluation;
 * then `--resume`: what is left at the end is what a run that nobody disturbed leaves, to the last bit.
 * `npm run test:faults -- --engine ort` does this at any moment, as often as wanted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { STAGE_STEPS, writeSmallStream } from '../faults/small-stream.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { outcome } from '../train/toy-stream.ts';
import { BIN, contents, lifealign } from './command.ts';

const folder = useTemporaryCache();
const at = (name: string) => join(folder(), name);
const train = (output: string) => ['train', at('run.yaml'), '--output-dir', at(output)];

const stepsDone = () =>
  existsSync(at('killed/steps.jsonl'))
    ? readFileSync(at('killed/steps.jsonl'), 'utf8').split('\n').length - 1
    : 0;

/** When to kill a start, and what the next one says of where that was. */
interface Cut {
  readonly moment: () => boolean;
  readonly found: RegExp;
}

function cuts(random: Random): readonly Cut[] {
  const [sft, preference, secondSft, secondPreference] = STAGE_STEPS as [number, number, number, number];
  // Early in the stage: there must be time to strike before its end.
  const within = (stageStart: number, stageSteps: number) => {
    const step = stageStart + 1 + random.integer(stageSteps / 2);
    return () => stepsDone() >= step;
  };
  return [
    { moment: within(0, sft), found: /^no checkpoint was written yet/m },
    {
      moment: within(sft + preference + secondSft, secondPreference),
      found: /^resuming: task 2\/2 long, preference, after step 0$/m,
    },
    {
      moment: () => existsSync(at('killed/tasks/2-long/adapter')),
      found: /^resuming: task 2\/2 long, (store|evaluate), after step 0$/m,
    },
  ];
}

// On a loaded machine a blow may come after the stage it was meant for; it is then struck anew.
it('gives the adapters, matrix, scores and steps of an undisturbed run', { retry: 2 }, async () => {
  for (const name of ['whole', 'killed']) rmSync(at(name), { recursive: true, force: true });
  writeSmallStream(folder());
  const whole = await lifealign(...train('whole'));
  expect(whole.code, whole.stderr).toBe(0);

  const seed = Date.now();
  const random = Random.fromSeed(seed);
  let resume: readonly string[] = [];
  let found: RegExp | null = null;
  for (const cut of cuts(random)) {
    const { killed, log } = await killAt(cut.moment, random.uniform() * 30, resume);
    expect(killed, `seed ${seed}: ended before the blow: ${log}`).toBe(true);
    if (found) expect(log, `seed ${seed}`).toMatch(found);
    resume = ['--resume'];
    found = cut.found;
  }
  const last = await lifealign(...train('killed'), ...resume);
  expect(last.code, last.stderr).toBe(0);
  expect(last.stderr, `seed ${seed}`).toMatch(found!);
  expect(outcome(at('killed')), `seed ${seed}`).toEqual(outcome(at('whole')));
  expect(contents(at('killed')).filter((path) => path.includes('.tmp-'))).toEqual([]);
});

/** Starts or goes on with the run and kills it so many milliseconds after the moment has come. */
async function killAt(moment: () => boolean, delay: number, resume: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [BIN, ...train('killed'), ...resume], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = new Promise<boolean>((done, fail) => {
    child.once('error', fail);
    child.once('close', (_, signal) => done(signal === 'SIGKILL'));
  });
  while (child.exitCode === null && !moment()) await wait(1);
  await wait(delay);
  child.kill('SIGKILL');
  return { killed: await ended, log };
}
