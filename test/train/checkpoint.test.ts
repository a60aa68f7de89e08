import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ReplayBuffer } from '../../src/data/replay-buffer.ts';
import { type MethodRun, type MethodState, nothingRemembered } from '../../src/method/method.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { Random } from '../../src/support/random.ts';
import { CheckpointFolder } from '../../src/train/checkpoint.ts';
import { resolveRunConfig } from '../../src/train/config/resolve.ts';
import { initialState, type ReplayedRow, type RunState } from '../../src/train/state.ts';
import { temporaryFolder, workspace } from './temporary-folder.ts';
import { toyModel } from './toy-engine.ts';
import { runToy, toyConfig } from './toy-stream.ts';

const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
const adapter = (seed: number) => toyModel.createAdapter(lora, Random.fromSeed(seed));
const row = { index: 0, prompt: [], chosen: 'a', rejected: 'b' };
const encoded = { prompt: Int32Array.of(1), chosen: Int32Array.of(2), rejected: Int32Array.of(3) };
const rows = { file: 'rows', sha256: '', rows: [row], encoded: [encoded] };

/** A method that remembers what it is told. */
class Rememberer implements MethodRun {
  readonly #state: MethodState;
  readonly #finished: MethodState['finished'][number][];

  constructor(remembered: MethodState) {
    this.#state = remembered;
    this.#finished = [...remembered.finished];
  }

  state(): MethodState {
    return { running: this.#state.running, finished: [...this.#finished] };
  }

  remember({ tensors }: Adapter): void {
    this.#finished.push(tensors);
  }
}

/** A state with so many stages behind it and so many rows in its buffer, and a folder to keep it in. */
async function setUp(stages: number, replayed: number) {
  const folder = temporaryFolder();
  const config = await resolveRunConfig(toyConfig(), { file: 'toy.yaml', folder: workspace() });
  const tasks = [{ name: 'low', train: rows, test: rows }] as never;
  const initial = adapter(0);
  const beginMethod = (remembered: MethodState) => new Rememberer(remembered);
  const open = () => new CheckpointFolder(folder, { initial, tasks, config, run: 'this', beginMethod });
  const entries = Array.from({ length: replayed }, () => ({
    task: 'low',
    row,
    payload: { task: 0, position: 0, reference: { chosen: -1 / 3, rejected: -Math.PI } },
  }));
  const replay = new ReplayBuffer<ReplayedRow>(config.replay!, entries);
  const running = new Map([['average', { shape: [1, 2] as const, data: Float32Array.of(1 / 3, 2) }]]);
  const method = beginMethod({ ...nothingRemembered, running });
  const state = initialState({ initial, tasks: 1, order: 'in turn', method, replay });
  for (let stage = 0; stage < stages; stage++) remember(state, adapter(1 + stage));
  return { folder, open, state };
}

const comparable = ({ replay, method, optimizer: _, ...rest }: RunState) => ({
  ...rest,
  replay: replay?.entries,
  remembered: method.state!(),
});
const remember = ({ method }: RunState, memory: Adapter) => (method as Rememberer).remember(memory);
const files = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
const silent = () => {};

describe('a checkpoint', () => {
  it('gives back the state, numbers to the last bit', async () => {
    const { open, state } = await setUp(3, 5);
    await open().save(state);
    const loaded = await open().load(silent);
    expect(comparable(loaded!)).toEqual(comparable(state));
  });

  it('does not grow with stages and replayed rows but for a hash a stage', async () => {
    const few = await setUp(0, 0);
    const many = await setUp(20, 3000);
    for (const { open, state } of [few, many]) await open().save(state);
    const size = (folder: string) => statSync(join(folder, '000001.safetensors')).size;
    expect(size(many.folder) - size(few.folder)).toBeLessThan(20 * 80);
  });

  it('writes each memory and each replay buffer once', async () => {
    const { folder, open, state } = await setUp(2, 3);
    const checkpoints = open();
    await checkpoints.save(state);
    const written = () =>
      ['memory', 'replay'].flatMap((part) => files(join(folder, part)).map((file) => statSync(file).ino));
    const first = written();
    expect(first).toHaveLength(3);
    await checkpoints.save(state);
    expect(written()).toEqual(first);
    remember(state, adapter(9));
    await checkpoints.save(state);
    expect(written().filter((inode) => first.includes(inode))).toEqual(first);
    expect(written()).toHaveLength(4);

    const again = open();
    await again.save((await again.load(silent))!);
    expect(files(join(folder, 'memory'))).toHaveLength(3);
  });

  it.each([
    ['memory', 'is gone', (file: string) => rmSync(file), /no such file/],
    ['memory', 'has a changed byte', changeByte, /damaged/],
    ['replay', 'is gone', (file: string) => rmSync(file), /no such file/],
    ['replay', 'has a changed byte', changeByte, /damaged/],
  ])('whose %s file %s is refused, naming the file', async (part, _, damage, problem) => {
    const { folder, open, state } = await setUp(2, 3);
    await open().save(state);
    const file = files(join(folder, part)).at(-1)!;
    damage(file);
    const refusal = await open()
      .load(silent)
      .catch((error: Error) => error);
    expect(refusal).toMatchObject({ name: 'UserError', exitCode: 1 });
    expect((refusal as Error).message).toContain(`no checkpoint can be used (${file}: `);
    expect((refusal as Error).message).toMatch(problem);
  });

  it('is passed over for the one before, which does not need the memory that is gone', async () => {
    const { folder, open, state } = await setUp(1, 3);
    const checkpoints = open();
    await checkpoints.save(state);
    const before = comparable(structuredCloneOf(state));
    remember(state, adapter(9));
    await checkpoints.save(state);
    rmSync(files(join(folder, 'memory'))[1]!);
    const warnings: string[] = [];
    const again = open();
    const loaded = await again.load((message) => warnings.push(message));
    expect(warnings).toEqual([
      expect.stringMatching(/000002\.safetensors: .*; trying the checkpoint before/),
    ]);
    expect(comparable(loaded!)).toEqual(before);
    remember(loaded!, adapter(9));
    await again.save(loaded!);
    expect(comparable((await open().load(silent))!)).toEqual(comparable(loaded!));
  });

  it('is not written with a number that could not be read again', async () => {
    const { folder, open, state } = await setUp(1, 3);
    await open().save(state);
    const good = comparable(structuredCloneOf(state));
    state.scores[0]![0] = { preferenceAccuracy: 50, rewardAccuracy: 50, margin: Number.NaN, judge: null };
    await expect(open().save(state)).rejects.toThrow(/margin/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.safetensors'))).toHaveLength(1);
    expect(comparable((await open().load(silent))!)).toEqual(good);
  });
});

it('a run keeps one memory a stage and one replay buffer a task', async () => {
  const folder = workspace();
  await runToy(toyConfig(), { folder, environment: { checkpointSeconds: 0 } });
  const at = (part: string) => readdirSync(join(folder, 'output/checkpoints', part)).sort();
  expect(at('memory')).toEqual([1, 2, 3, 4].map((stage) => `00000${stage}.safetensors`));
  expect(at('replay')).toHaveLength(3);
});

function changeByte(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 5]! ^= 1;
  writeFileSync(file, bytes);
}

/** As the state is now: its memory and scores are added to in place. */
function structuredCloneOf(state: RunState): RunState {
  const method = new Rememberer(state.method.state!());
  return { ...state, method, scores: structuredClone(state.scores) };
}
