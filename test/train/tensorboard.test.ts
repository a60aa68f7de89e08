/**
 * TensorBoard's event files, byte by byte where the format is at stake. That TensorBoard itself reads them so is
 * shown by test/parity/tensorboard.test.ts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/support/errors.ts';
import type { TaskScores } from '../../src/train/state.ts';
import type { StepRecord } from '../../src/train/step-log.ts';
import { crc32c } from '../../src/train/tensorboard/crc32c.ts';
import { fileVersionEvent, scalarsEvent, sessionStartEvent } from '../../src/train/tensorboard/event.ts';
import { TensorBoardLog } from '../../src/train/tensorboard/log.ts';
import { openTensorBoard } from '../../src/train/tensorboard/open.ts';
import { frameRecord } from '../../src/train/tensorboard/record.ts';
import { parseReportTargets } from '../../src/train/tensorboard/report-target.ts';
import { evaluationScalars, stepScalars } from '../../src/train/tensorboard/scalars.ts';
import { lifealign } from '../cli/command.ts';
import { temporaryFolder, workspace } from './temporary-folder.ts';
import { runToy, toyConfig } from './toy-stream.ts';

afterEach(() => {
  vi.useRealTimers();
});

const record: StepRecord = {
  task: 'tone',
  stage: 'sft',
  step: 3,
  loss: 0.5,
  grad_norm: 2,
  'logps/chosen': -10,
  'logps/rejected': null,
  'rewards/chosen': null,
  'rewards/rejected': null,
  'rewards/margins': null,
  'rewards/accuracies': null,
  'focal/mean': null,
  'focal/min': null,
  'focal/max': null,
  learning_rate: 0.001,
  tokens_per_second: 100,
};

describe('crc32c', () => {
  // The check value of the algorithm's catalogue entry, and the vectors of RFC 3720, appendix B.4.
  it.each([
    [Buffer.from('123456789'), 0xe3069283],
    [Buffer.alloc(32, 0x00), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
    [Buffer.from(Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113fdb5c],
    [Buffer.alloc(0), 0],
  ])('has the published value (%#)', (bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});

describe('a record', () => {
  /** Made by TensorBoard 2.21.0's own RecordWriter of its own Event; checked field by field by hand. */
  const RECORD = [
    '2100000000000000', // 33 bytes of data
    '017becf6', // checksum of those eight bytes
    '09' + '00002040fc54d941', // field 1, a double: 1700000000.5
    '10ac02', // field 2, a varint: 300
    '2a13', // field 5, 19 bytes: the summary
    '0a11', // its field 1, 17 bytes: a value
    '0a0a' + '747261696e2f6c6f7373', // its field 1, 10 bytes: "train/loss"
    '150000003f', // its field 2, a float: 0.5
    '3d90db3a', // checksum of the data
  ].join('');

  it('has the bytes that TensorBoard writes', () => {
    const time = { wallTime: 1700000000.5, step: 300 };
    const event = scalarsEvent(time, new Map([['train/loss', 0.5]]));
    expect(Buffer.from(frameRecord(event)).toString('hex')).toBe(RECORD);
  });
});

describe('the log', () => {
  const open = (folder: string, startStep = 0) => TensorBoardLog.open(folder, { startStep });
  const namesIn = (folder: string) => readdirSync(folder).sort();

  it('begins with its version, then the first step that comes anew', () => {
    const folder = temporaryFolder();
    vi.useFakeTimers({ now: 1_700_000_000_500 });
    open(folder, 8).close();
    const bytes = readFileSync(join(folder, namesIn(folder)[0]!));
    const time = '0900002040fc54d941';
    // Step 0; field 3, 13 bytes.
    const version = `${time} 1000 1a0d ${Buffer.from('brain.Event:2').toString('hex')}`;
    // Step 9; field 7, 2 bytes, whose field 1 is START = 1.
    const start = `${time} 1009 3a02 0801`;
    const records = [version, start].map((data) => frameRecord(Buffer.from(data.replaceAll(' ', ''), 'hex')));
    expect(bytes.toString('hex')).toBe(Buffer.concat(records).toString('hex'));
  });

  it('names no machine', () => {
    const folder = join(temporaryFolder(), 'made', 'on the way');
    vi.useFakeTimers({ now: 1_700_000_000_999 });
    open(folder).close();
    expect(namesIn(folder)).toEqual(['events.out.tfevents.1700000000.lifealign.000000']);
  });

  it('opens a file that sorts last, within one second and with a clock that was set back', () => {
    const folder = temporaryFolder();
    const order: string[] = [];
    for (const now of [1_700_000_000_000, 1_700_000_000_500, 1_600_000_000_000, 1_700_000_100_000]) {
      vi.useFakeTimers({ now });
      open(folder).close();
      order.push(namesIn(folder).find((name) => !order.includes(name))!);
    }
    expect(order).toEqual(namesIn(folder));
  });

  it('appends to no file of an earlier run', () => {
    const folder = temporaryFolder();
    open(folder).close();
    const [first] = namesIn(folder);
    const before = readFileSync(join(folder, first!));
    const log = open(folder);
    log.scalars(1, { loss: 1 });
    log.close();
    expect(readFileSync(join(folder, first!)).equals(before)).toBe(true);
  });

  it('leaves out what a curve has no place for, and events without a number', () => {
    const folder = temporaryFolder();
    const log = open(folder);
    const size = () => readFileSync(join(folder, namesIn(folder)[0]!)).length;
    const empty = size();
    // 1e39 is finite as a double but not as the float32 of the file.
    log.scalars(1, { a: Number.NaN, b: Number.POSITIVE_INFINITY, c: -1e39 }, 0);
    expect(size()).toBe(empty);
    log.scalars(1, { a: Number.NaN, b: 2 }, 0);
    const only = frameRecord(scalarsEvent({ wallTime: 0, step: 1 }, new Map([['b', 2]])));
    expect(size()).toBe(empty + only.length);
    log.close();
  });

  it('says which path cannot be written', () => {
    const folder = join(temporaryFolder(), 'taken');
    writeFileSync(folder, '');
    const opening = () => open(folder);
    expect(opening).toThrow(UserError);
    expect(opening).toThrow(`${folder}: cannot write: it already exists (EEXIST)`);
  });

  it('says when the disk is full, with exit code 1, and what was written stays', () => {
    const folder = temporaryFolder();
    const module = fileURLToPath(new URL('../../src/train/tensorboard/log.ts', import.meta.url));
    const script = join(folder, 'fill.ts');
    writeFileSync(
      script,
      `import { TensorBoardLog } from ${JSON.stringify(module)};
      const log = TensorBoardLog.open(${JSON.stringify(join(folder, 'events'))}, { startStep: 0 });
      try {
        for (let step = 1; ; step++) log.scalars(step, { loss: 1 });
      } catch ({ name, exitCode, message }) {
        process.stdout.write(JSON.stringify({ name, exitCode, message }));
      }`,
    );
    // With its signal ignored the kernel cuts a write short and refuses the rest, as a disk that fills up does.
    const limited = 'trap "" XFSZ; ulimit -f 1; exec "$@"';
    const command = [process.execPath, '--import', import.meta.resolve('tsx'), script];
    const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
    const { stdout } = spawnSync('bash', ['-c', limited, 'bash', ...command], { encoding: 'utf8', env });
    const [name] = namesIn(join(folder, 'events'));
    const file = join(folder, 'events', name!);
    const reason = 'cannot write: the file would be larger than this system allows (EFBIG)';
    expect(JSON.parse(stdout)).toEqual({ name: 'UserError', exitCode: 1, message: `${file}: ${reason}` });
    expect(readFileSync(file)).toHaveLength(1024);
  });
});

describe("a run's log", () => {
  it('goes on from its state; scores not yet in it come anew, with the training step beside them', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_500 });
    const wallTime = 1_700_000_000.5;
    const lines = [1, 2].map((step) => JSON.stringify({ ...record, task: 'low', step }));
    const opened = async (state: Parameters<typeof openTensorBoard>[2], steps: readonly string[]) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'steps.jsonl'), steps.map((line) => `${line}\n`).join(''));
      (await openTensorBoard(folder, ['high', 'low'], state)).close();
      const [name] = readdirSync(join(folder, 'tensorboard'));
      const start = frameRecord(fileVersionEvent(wallTime)).length;
      return readFileSync(join(folder, 'tensorboard', name!)).subarray(start);
    };
    const started = (step: number) => frameRecord(sessionStartEvent({ wallTime, step }));
    const again = new Map(Object.entries(stepScalars({ ...record, task: 'low' }, 1)));
    const lastStep = frameRecord(scalarsEvent({ wallTime, step: 2 }, again));

    expect(await opened({ steps: 2, phase: 'preference' }, lines)).toEqual(Buffer.from(started(3)));
    const expected = Buffer.concat([started(2), lastStep]);
    expect(await opened({ steps: 2, phase: 'evaluate' }, lines)).toEqual(expected);
    // Of a stream without training.
    expect(await opened({ steps: 0, phase: 'evaluate' }, [])).toEqual(Buffer.from(started(0)));
  });
});

describe('tags', () => {
  it('of a step are the numbers of its line, without nulls, and the task counted from 1', () => {
    expect(stepScalars(record, 0)).toEqual({
      'train/task': 1,
      'train/loss': 0.5,
      'train/grad_norm': 2,
      'train/logps/chosen': -10,
      'train/learning_rate': 0.001,
      'train/tokens_per_second': 100,
    });
    const whole = stepScalars({ ...record, 'rewards/margins': 0 }, 4);
    expect(whole).toMatchObject({ 'train/task': 5, 'train/rewards/margins': 0 });
  });

  const scores = (preferenceAccuracy: number, judge: number | null = null): TaskScores => ({
    preferenceAccuracy,
    rewardAccuracy: 1,
    margin: 2,
    judge,
  });

  it('of an evaluation are the scores of the task just finished, and sums over the tasks seen', () => {
    const matrix = [
      [scores(80), null, null],
      [scores(60), scores(90, 40), null],
      [null, null, null],
    ];
    const general = [null, { loss: 2, baseLoss: 1, kl: 0.25 }, null];
    expect(evaluationScalars(['a', 'b', 'c'], { scores: matrix, general }, 1)).toEqual({
      // (60 + 90) / 2, and the mean of 80 and that.
      'eval/last': 75,
      'eval/ap': 77.5,
      'eval/general/kl': 0.25,
      'eval/general/loss': 2,
      'eval/a/preference_accuracy': 60,
      'eval/a/reward_accuracy': 1,
      'eval/a/margin': 2,
      'eval/b/preference_accuracy': 90,
      'eval/b/reward_accuracy': 1,
      'eval/b/margin': 2,
      'eval/b/judge': 40,
    });
  });

  it('of an evaluation of all tasks name those to come too, which no sum reads', () => {
    const row = [scores(80), scores(10)];
    const values = evaluationScalars(['a', 'b'], { scores: [row, [null, null]], general: [null, null] }, 0);
    expect(values).toMatchObject({ 'eval/last': 80, 'eval/ap': 80, 'eval/b/preference_accuracy': 10 });
  });
});

it('a run that is asked to leaves its steps and scores, and none otherwise', async () => {
  const folder = workspace();
  await runToy(toyConfig({ general: { limit: 2, max_new_tokens: 2 } }), {
    folder,
    environment: { reportTo: ['tensorboard'] },
  });
  const events = join(folder, 'output', 'tensorboard');
  const [file] = readdirSync(events);
  const text = readFileSync(join(events, file!), 'latin1');
  for (const tag of ['train/loss', 'train/focal/mean', 'eval/low/margin', 'eval/last', 'eval/general/kl']) {
    expect(text).toContain(tag);
  }
  const other = workspace();
  await runToy(toyConfig(), { folder: other });
  expect(existsSync(join(other, 'output', 'tensorboard'))).toBe(false);
});

describe('--report-to', () => {
  it('takes names with commas between', () => {
    expect(parseReportTargets('tensorboard')).toEqual(['tensorboard']);
    expect(parseReportTargets('tensorboard, jsonl')).toEqual(['tensorboard', 'jsonl']);
  });

  it.each([
    ['tensorbord', 'unknown name "tensorbord"', 'Did you mean "tensorboard"?'],
    ['jsonl,', 'unknown name ""', 'expected one of jsonl, tensorboard'],
    ['wandb', 'unknown name "wandb"', 'expected one of'],
  ])('refuses %j', (list, ...says) => {
    expect(() => parseReportTargets(list)).toThrow(UserError);
    for (const text of says) expect(() => parseReportTargets(list)).toThrow(text);
  });

  it('is refused before anything is read', async () => {
    const { code, stdout, stderr } = await lifealign('train', 'absent.yaml', '--report-to', 'tensorbord');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^lifealign: --report-to: .*Did you mean "tensorboard"\?$/m);
  });
});
