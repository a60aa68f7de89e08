/**
 * Event files against TensorBoard: what its readers find in them, after a kill too. Needs Python; torch and
 * TensorFlow aren't installed for it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Random } from '../../src/support/random.ts';
import { TensorBoardLog } from '../../src/train/tensorboard/log.ts';
import { openTensorBoard } from '../../src/train/tensorboard/open.ts';
import { oraclePython } from './environment.ts';

const SCRIPT = fileURLToPath(new URL('read_scalars.py', import.meta.url));

type Curves = Record<string, [step: number, value: number][]>;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-tensorboard-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function readByTensorBoard(from = folder): Promise<{ accumulator: Curves; provider: Curves }> {
  const { stdout } = await execa(await oraclePython('requirements-tensorboard.txt'), [SCRIPT, from]);
  return JSON.parse(stdout);
}

function logged(startStep: number, write: (log: TensorBoardLog) => void): void {
  const log = TensorBoardLog.open(folder, { startStep });
  write(log);
  log.flush();
  log.close();
}

it('every tag, step and float32 value is read as it was logged', async () => {
  const random = Random.fromSeed(7);
  const expected: Curves = { 'train/loss': [], 'eval/a.b_c-1/margin': [], 'train/ünïcödé 😀': [] };
  logged(0, (log) => {
    for (let step = 1; step <= 2000; step++) {
      const values = Object.keys(expected).map((tag) => {
        const exponent = 40 * random.uniform() - 20;
        const value = (random.uniform() - 0.5) * 10 ** exponent;
        expected[tag]!.push([step, Math.fround(value)]);
        return [tag, value] as const;
      });
      log.scalars(step, Object.fromEntries(values));
    }
    // Past 32 bits: steps are 64-bit integers, and a varint of more than five bytes.
    log.scalars(2 ** 40, { 'train/loss': -0 });
  });
  expected['train/loss']!.push([2 ** 40, -0]);
  const { accumulator, provider } = await readByTensorBoard();
  expect(accumulator).toEqual(expected);
  expect(provider).toEqual(expected);
});

it('a run killed beyond its checkpoint, twice, and resumed shows each step once, with its latest value', async () => {
  const steps = (log: TensorBoardLog, from: number, to: number, attempt: number) => {
    for (let step = from; step <= to; step++) log.scalars(step, { 'train/loss': 100 * attempt + step });
  };
  logged(0, (log) => steps(log, 1, 12, 1));
  cutLastRecord();
  // The checkpoint was after step 8: 9 to 12 come anew, with what was measured after step 8 kept.
  logged(8, (log) => {
    log.scalars(8, { 'eval/last': 50 });
    steps(log, 9, 15, 2);
  });
  logged(11, (log) => steps(log, 12, 14, 3));
  const { accumulator, provider } = await readByTensorBoard();
  const attemptOf = (step: number) => (step <= 8 ? 1 : step <= 11 ? 2 : 3);
  const loss = Array.from({ length: 14 }, (_, at) => [at + 1, 100 * attemptOf(at + 1) + at + 1]);
  const expected = { 'train/loss': loss, 'eval/last': [[8, 50]] };
  expect(accumulator).toEqual(expected);
  expect(provider).toEqual(expected);
});

it('a run killed before its first checkpoint begins anew', async () => {
  logged(0, (log) => log.scalars(1, { a: 1 }));
  logged(0, (log) => log.scalars(1, { a: 2 }));
  expect((await readByTensorBoard()).accumulator).toEqual({ a: [[1, 2]] });
});

it('a run killed after its scores were logged and before they were saved shows them and their step once', async () => {
  const scores = (log: TensorBoardLog, step: number) => log.scalars(step, { 'eval/last': step });
  const goOn = async (phase: 'sft' | 'evaluate', write: (log: TensorBoardLog) => void) => {
    const log = await openTensorBoard(folder, ['a', 'b'], { steps: 2, phase });
    write(log);
    log.close();
  };
  writeFileSync(join(folder, 'steps.jsonl'), '{"task":"a","loss":4}\n{"task":"a","loss":5}\n');
  const first = TensorBoardLog.open(join(folder, 'tensorboard'), { startStep: 0 });
  for (const step of [1, 2]) first.scalars(step, { 'train/loss': 3 + step, 'train/task': 1 });
  scores(first, 2);
  first.close();
  // The last state saved: measuring, after step 2. The next one: the beginning of the next task.
  await goOn('evaluate', (log) => scores(log, 2));
  await goOn('sft', (log) => log.scalars(3, { 'train/loss': 6, 'train/task': 2 }));
  const expected = {
    'train/loss': [4, 5, 6].map((loss, at) => [at + 1, loss]),
    'train/task': [1, 1, 2].map((task, at) => [at + 1, task]),
    'eval/last': [[2, 2]],
  };
  expect(await readByTensorBoard(join(folder, 'tensorboard'))).toEqual({
    accumulator: expected,
    provider: expected,
  });
});

it('the readers check the checksums: with a wrong byte they take nothing from there on', async () => {
  logged(0, (log) => {
    log.scalars(1, { a: 1 });
    log.scalars(2, { a: 2 });
  });
  const bytes = readFileSync(onlyFile());
  bytes[bytes.length - 6]! ^= 1;
  writeFileSync(onlyFile(), bytes);
  const curves = { a: [[1, 1]] };
  expect(await readByTensorBoard()).toEqual({ accumulator: curves, provider: curves });
});

/** As a kill in the middle of a write leaves the file. */
function cutLastRecord(): void {
  truncateSync(onlyFile(), readFileSync(onlyFile()).length - 9);
}

function onlyFile(): string {
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0]!);
}
