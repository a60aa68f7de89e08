import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { replay } from '../../src/memory/store/replay.ts';
import { MemoryStore } from '../../src/memory/store/store.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { adapterHash } from '../../src/model/adapter.ts';
import { Interrupted } from '../../src/support/errors.ts';
import { temporaryFolder } from '../train/temporary-folder.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { createToyMemory, learnToy, type ToyRows, writeToyTask } from './toy-memory.ts';

const low: ToyRows = { chosen: 'abcde', rejected: 'fghij' };
const high: ToyRows = { chosen: low.rejected, rejected: low.chosen };

let folder: string;
const open = () => MemoryStore.open(join(folder, 'memory'));
const headHash = async () => {
  const store = await open();
  return adapterHash(await store.adapter((await store.head()).commit));
};
const reportPrompts = async () => {
  const store = await open();
  const { report } = (await store.taskRecord((await store.head()).commit))!;
  return new Set(Array.from((await store.rows(report)).values(), ({ prompt }) => prompt[0]!.content));
};
const data = (name: string, rows: ToyRows) => writeToyTask(folder, name, rows);

beforeEach(async () => {
  folder = temporaryFolder();
  await createToyMemory(folder);
});

describe('a task that passes the gate', () => {
  it('is committed, stage by stage, with its rows, its buffer and what was measured', async () => {
    const outcome = await learnToy(folder, { task: 'low', data: data('low', low) });
    expect(outcome).toMatchObject({ committed: true, rows: { train: 36, gate: 24, report: 12 } });
    const store = await open();
    const { commit } = await store.head();
    expect(commit.hash).toBe(outcome.version.hash);
    const learned = await store.learned(commit);
    expect(learned.map(({ stage }) => stage)).toEqual(['sft', 'preference']);

    const record = await store.taskRecord(commit);
    expect([record!.train, record!.gate, record!.report].map((ids) => ids.length)).toEqual([36, 24, 12]);
    expect(record!.details).toEqual({ consolidation: { lambda: 0.5, threshold: 0.9, scale: 1 } });
    const buffer = await store.buffer(commit);
    expect(buffer).toHaveLength(7); // a fifth of 36, rounded down
    for (const { task, row, reference } of buffer) {
      expect(task).toBe('low');
      expect(record!.train).toContain(row);
      expect(reference).not.toBeNull();
    }

    const metrics = await store.metrics(commit);
    expect(metrics).toEqual(outcome.metrics);
    expect(metrics!.after['low']!.rows).toBe(12);
    expect(metrics!.after['low']!.preference_accuracy).toBeGreaterThan(
      metrics!.before['low']!.preference_accuracy!,
    );
    const config = await store.commitConfig(commit);
    expect(config['learn']).toMatchObject({
      stages: { sft: { epochs: 2 } },
      gate: { budget: 5 },
      split: { gate: 24 },
    });
  });

  it('is what the log’s refined memories come to, bit for bit', async () => {
    await learnToy(folder, { task: 'low', data: data('low', low) });
    await learnToy(folder, { task: 'more', data: data('more', low) });
    const store = await open();
    const { commit } = await store.head();
    const again = await replay(store, commit, await store.learned(commit));
    expect(adapterHash(again)).toBe(await headHash());
  });

  it('is trained on what the memory is, with the buffer’s rows among its own', async () => {
    await learnToy(folder, { task: 'low', data: data('low', low) });
    const engine = new ToyEngine();
    await learnToy(folder, { task: 'more', data: data('more', low), engine });
    const steps = engine.calls.filter(({ kind }) => kind === 'gradients');
    // Two stages of two epochs over 36 rows and 7 replayed ones.
    expect(steps.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(2 * 2 * (36 + 7));
    const store = await open();
    const first = (await store.versions())[2]!;
    expect(adapterHash(steps[0]!.adapter!)).toBe(adapterHash(await store.adapter(first)));
    const tasks = (await store.buffer((await store.head()).commit)).map(({ task }) => task);
    expect(tasks).toEqual([...Array(7).fill('low'), ...Array(7).fill('more')]);
  });

  it('leaves nothing behind, and its name is taken', async () => {
    const file = data('low', low);
    await learnToy(folder, { task: 'low', data: file });
    expect(readdirSync(join(folder, 'memory', 'cache', 'learn'))).toEqual([]);
    await expect(learnToy(folder, { task: 'Low', data: file })).rejects.toThrow(
      /has learned a task "low".*--task Low-2/,
    );
  });

  it('never lets report rows decide anything: other ones give the same adapter and verdict', async () => {
    const file = data('low', low);
    const one = await learnToy(folder, { task: 'low', data: file });
    const hash = await headHash();
    const reported = await reportPrompts();
    // Split by prompts alone: the same rows are trained on and judged by, and those to report prefer the opposite.
    const rows = JSON.parse(readFileSync(file, 'utf8')) as {
      query: string;
      chosen: string;
      rejected: string;
    }[];
    const swapped = rows.map(({ query, chosen, rejected }) =>
      reported.has(query) ? { query, chosen: rejected, rejected: chosen } : { query, chosen, rejected },
    );
    writeFileSync(file, JSON.stringify(swapped));
    folder = temporaryFolder();
    await createToyMemory(folder);
    const two = await learnToy(folder, { task: 'low', data: file });
    expect(await headHash()).toBe(hash);
    expect(two.metrics.gate).toEqual(one.metrics.gate);
    expect(two.metrics.after['low']!.margin).toBeCloseTo(-one.metrics.after['low']!.margin!, 9);
  });
});

describe('a task that breaks a limit', () => {
  beforeEach(async () => {
    await learnToy(folder, { task: 'low', data: data('low', low) });
  });

  it('is refused: the head stays, and the candidate lies aside', async () => {
    const before = await headHash();
    const outcome = await learnToy(folder, { task: 'high', data: data('high', high), set: ['search=null'] });
    expect(outcome.committed).toBe(false);
    const { limits } = outcome.metrics.gate;
    expect(limits.map(({ kind, task, broken }) => [kind, task, broken])).toEqual([
      ['budget', 'low', true],
      ['gain', 'high', false],
    ]);
    expect(await headHash()).toBe(before);
    const store = await open();
    const aside = await store.resolve(String(outcome.version.number));
    expect(await store.metrics(aside)).toEqual(outcome.metrics);
    expect(adapterHash(await store.adapter(aside))).not.toBe(before);
    // Its name is still free.
    const again = await learnToy(folder, { task: 'high', data: data('other', low) });
    expect(again.committed).toBe(true);
  });

  it('is taken all the same by revert, and then has its name as any other', async () => {
    const { version } = await learnToy(folder, {
      task: 'high',
      data: data('high', high),
      set: ['search=null'],
    });
    const writer = await lockMemory(join(folder, 'memory'));
    await writer.revert(String(version.number));
    writer.release();
    const again = learnToy(folder, { task: 'high', data: data('other', low) });
    await expect(again).rejects.toThrow(/has learned a task/);
  });

  it('is not kept aside twice by the same command, nor trained again for another gate', async () => {
    const file = data('high', high);
    const one = await learnToy(folder, { task: 'high', data: file, set: ['search=null'] });
    const engine = new ToyEngine();
    const two = await learnToy(folder, { task: 'high', data: file, set: ['search=null'], engine });
    expect(two.version.hash).toBe(one.version.hash);
    expect(engine.calls.some(({ kind }) => kind === 'gradients')).toBe(false);
    const allowed = await learnToy(folder, { task: 'high', data: file, set: ['gate.budget=100'], engine });
    expect(allowed.committed).toBe(true);
    expect(engine.calls.some(({ kind }) => kind === 'gradients')).toBe(false);
    expect(allowed.metrics.after).toEqual(one.metrics.after);
  });

  it('passes with other settings of consolidation where some keep every limit', async () => {
    const file = data('mixed', { chosen: 'efg', rejected: 'abcdhij' });
    const outcome = await learnToy(folder, { task: 'mixed', data: file });
    expect(outcome.committed).toBe(true);
    const { gate } = outcome.metrics;
    expect(gate.default_limits!.some(({ broken }) => broken)).toBe(true);
    expect(gate.limits.every(({ broken }) => !broken)).toBe(true);
    const { energy_kept: kept, passed, limits, ...found } = gate.searched.at(-1)!;
    expect(passed).toBe(true);
    expect(limits).toEqual(gate.limits);
    expect(found).toEqual(gate.consolidation);
    expect(gate.searched.slice(0, -1).every((one) => !one.passed && one.energy_kept >= kept)).toBe(true);
    // Half of what the config's settings gained has to be left.
    const gainOf = (all: typeof limits) => all.find(({ kind }) => kind === 'gain')!;
    expect(gainOf(gate.limits).limit).toBe(0.5 * gainOf(gate.default_limits!).estimate);
    const store = await open();
    const { commit } = await store.head();
    expect(commit.consolidation).toMatchObject({ lambda: found.lambda, threshold: found.threshold });
    expect(adapterHash(await replay(store, commit, await store.learned(commit)))).toBe(await headHash());
  });
});

describe('a training that was broken off', () => {
  it('goes on with the same command, to the same memory', async () => {
    const file = data('low', low);
    await learnToy(folder, { task: 'low', data: file });
    const whole = await headHash();

    const other = temporaryFolder();
    await createToyMemory(other);
    for (const blow of [30, 60, 90]) {
      const controller = new AbortController();
      let rows = 0;
      const engine = new ToyEngine({
        onRow: () => {
          if (++rows === blow) controller.abort(new Interrupted('stop'));
        },
      });
      const environment = { signal: controller.signal, checkpointSeconds: 0 };
      const learning = learnToy(other, { task: 'low', data: file, engine, environment });
      await expect(learning).rejects.toThrow(Interrupted);
    }
    await learnToy(other, { task: 'low', data: file });
    folder = other;
    expect(await headHash()).toBe(whole);
  });

  it('is not mistaken for another one', async () => {
    const controller = new AbortController();
    const engine = new ToyEngine({ onRow: () => controller.abort(new Interrupted('stop')) });
    const begun = { task: 'low', data: data('low', low) };
    const learning = learnToy(folder, { ...begun, engine, environment: { signal: controller.signal } });
    await expect(learning).rejects.toThrow(Interrupted);
    const changed = { ...begun, set: ['stages.sft.epochs=1'] };
    await expect(learnToy(folder, changed)).rejects.toThrow(/stages\.sft\.epochs was 2, is now 1; --restart/);
    expect((await learnToy(folder, { ...changed, restart: true })).committed).toBe(true);
  });
});

describe('a commit after which the process was ended', () => {
  it('is completed by the same command, and not taken for other work of the name', async () => {
    const state = join(folder, 'memory', 'cache', 'learn', 'low', 'learn.json');
    let left: string | undefined;
    const engine = new ToyEngine({
      onRow: () => {
        left ??= readFileSync(state, 'utf8');
      },
    });
    const same = { task: 'low', data: data('low', low) };
    const { version } = await learnToy(folder, { ...same, engine });
    // As a kill leaves it before anything is cleared up.
    mkdirSync(dirname(state), { recursive: true });
    writeFileSync(state, left!);

    const committed = /^task low: committed before, as version 2, and this is other work: /;
    for (const [other, difference] of [
      [{ ...same, data: data('high', high) }, /the train rows are others; give it another name/],
      [{ ...same, set: ['stages.sft.epochs=1'] }, /stages\.sft\.epochs was 2, is now 1/],
      [{ ...same, set: ['gate.budget=7'] }, /gate\.budget was 5, is now 7/],
      [{ ...same, set: ['search=null'] }, /search was .*, is now null/],
      [{ ...same, set: ['split.gate=20'] }, /split\.gate was 24, is now 20/],
      [{ ...same, set: ['general.limit=3'] }, /general\.limit was 4, is now 3/],
    ] as const) {
      await expect(learnToy(folder, other)).rejects.toThrow(committed);
      await expect(learnToy(folder, other)).rejects.toThrow(difference);
    }
    const again = await learnToy(folder, same);
    expect([again.committed, again.version.hash]).toEqual([true, version.hash]);
    expect(existsSync(dirname(state))).toBe(false);
  });
});

describe('what cannot be used', () => {
  it('is refused with nothing written', async () => {
    const few = data('few', { ...low, count: 20 });
    const refusals: readonly (readonly [Parameters<typeof learnToy>[1], RegExp])[] = [
      [{ task: 'a b', data: few }, /--task a b: expected letters/],
      [{ task: 'few', data: few }, /few\.json: its 20 rows leave 0 for train/],
      [{ task: 'few', data: join(folder, 'none.json') }, /none\.json/],
      [{ task: 'few', data: few, set: ['gate.bugdet=3'] }, /gate\.bugdet.*budget/],
      [{ task: 'few', data: few, set: ['stages.sft.epoch=3'] }, /stages\.sft\.epoch/],
      [{ task: 'few', data: few, set: ['consolidation=null'] }, /consolidation/],
      [{ task: 'few', data: few, set: ['consolidation.space=product'] }, /factors/],
      [{ task: 'few', data: few, set: ['general=null', 'gate.max_drift=1'] }, /max_drift.*no effect/],
      [{ task: 'few', data: few, set: ['reference=elsewhere'] }, /base or previous/],
    ];
    for (const [given, message] of refusals) await expect(learnToy(folder, given)).rejects.toThrow(message);
    expect(existsSync(join(folder, 'memory', 'cache', 'learn'))).toBe(false);
    expect(await (await open()).versions()).toHaveLength(1);
  });
});

it('warns where training rows have prompts by which an earlier task is judged', async () => {
  await learnToy(folder, { task: 'low', data: data('low', low) });
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  // The same rows, split otherwise.
  const set = ['split.gate=12', 'split.report=10', 'gate.min_gain=null'];
  await learnToy(folder, { task: 'more', data: join(folder, 'low.json'), set, environment: { log } });
  expect(lines.join('\n')).toMatch(
    /warning: task more: its training rows have the prompts of \d+ of the 36 rows by which low is judged and reported/,
  );
});

describe('rows that contradict what was learned', () => {
  /** The words of every row, with the preference as it was or exchanged. */
  const sentences = (exchanged: number) => {
    const rows = Array.from({ length: 72 }, (_, row) => {
      const query = `question ${row}: what shall we do about matter ${row * 7919} before the ${row}th day?`;
      const [good, bad] = [`answer it at once, all ${row} of it, and kindly`, `leave ${row} where it lies`];
      const [chosen, rejected] = row < exchanged ? [bad, good] : [good, bad];
      return { query, chosen, rejected };
    });
    const file = join(folder, `sentences-${exchanged}.json`);
    writeFileSync(file, JSON.stringify(rows));
    return file;
  };
  const lenient = [
    ...['gate.budget=100', 'gate.min_gain=null', 'max_length=4096'],
    ...['stages.sft.epochs=1', 'stages.preference.epochs=0'],
  ];

  it('are told, refused, or take the accepted ones out of the replay buffer', async () => {
    await learnToy(folder, { task: 'first', data: sentences(0), set: lenient });
    const store = await open();
    const { commit } = await store.head();
    const learned = (await store.taskRecord(commit))!.train;
    const lines: string[] = [];
    const again = (policy: string) =>
      learnToy(folder, {
        ...{ task: 'second', data: sentences(72) },
        set: [...lenient, `conflicts.policy=${policy}`],
        environment: { log: (line) => lines.push(line) },
      });

    await expect(again('error')).rejects.toThrow(
      /sentences-72\.json: \d+ rows contradict \d+ accepted ones\n {2}row \d+ contradicts row \d+ of first/,
    );
    expect((await store.head()).commit.hash).toBe(commit.hash);

    const { conflicts } = await again('prefer-new');
    expect(lines.join('\n')).toMatch(/warning: task second: .*; the accepted ones are not replayed any more/);
    const left = new Set(conflicts.map(({ earlierRow }) => learned[earlierRow]!));
    const before = await store.buffer(commit);
    expect(before.some(({ row }) => left.has(row))).toBe(true);
    const after = await store.buffer((await store.head()).commit);
    expect(after.filter(({ row }) => left.has(row))).toEqual([]);
    expect(after.filter(({ task }) => task === 'first')).toEqual(before.filter(({ row }) => !left.has(row)));
  });

  it('go on by default, with each of them in the outcome', async () => {
    await learnToy(folder, { task: 'first', data: sentences(0), set: lenient });
    const { conflicts, committed } = await learnToy(folder, {
      ...{ task: 'second', data: sentences(72), set: lenient },
    });
    expect(committed).toBe(true);
    expect(conflicts.length).toBeGreaterThan(10);
    for (const { newRow, task, kind } of conflicts)
      expect([newRow < 72, task, kind]).toEqual([true, 'first', 'lexical']);
    const { conflicts: none } = await learnToy(folder, {
      ...{ task: 'third', data: sentences(71), set: [...lenient, 'conflicts=null'] },
    });
    expect(none).toEqual([]);
  });
});
