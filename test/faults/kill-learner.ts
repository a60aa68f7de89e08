/**
 * Two instances of `serve` on one PostgreSQL, with a memory that learns from feedback, one of them killed again and
 * again at random moments: one of them learns at a time, no feedback is learned twice, and none is lost.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { builtinRows } from '../../src/data/builtin/rows.ts';
import { rowContent } from '../../src/memory/store/rows.ts';
import { MemoryStore } from '../../src/memory/store/store.ts';
import type { LearnerState } from '../../src/service/learner/schema.ts';
import { openStore, type Store } from '../../src/service/store/open.ts';
import type { Random } from '../../src/support/random.ts';
import { type ServiceProcess, spawnService } from '../load/service-process.ts';
import { startPostgres } from '../service/postgres.ts';

const BIN = fileURLToPath(new URL('../../bin/lifealign.js', import.meta.url));

export interface LearnerKillReport {
  readonly kills: number;
  /** What the learner was at when it was struck: of the instance that learned, and of the other. */
  readonly where: Readonly<Record<string, number>>;
  /** Learned, and by how many tasks. */
  readonly rows: number;
  readonly tasks: number;
  /** Learning processes that had to be started. */
  readonly attempts: number;
  /** Instances that have held the lease. */
  readonly elected: number;
  /** Milliseconds in which more than one learning process was there: the older one waiting, or ending. */
  readonly overlap: number;
  readonly failures: readonly string[];
}

/** Rows of a task at the least, and of the batches in which feedback comes. */
const ROWS = 32;
const LEASE_SECONDS = 2;
/** Milliseconds that anything may take before it counts as hanging. */
const PATIENCE = 300_000;

const stage = { epochs: 1, batch_size: 8, warmup_ratio: 0, learning_rate: 1e-3 };
const memoryConfig = {
  base: 'tiny',
  learn: {
    stages: { sft: stage, preference: stage },
    ...{ general: null, max_length: 256, split: { gate: 10, report: 10 }, search: null, conflicts: null },
    gate: { budget: 100, min_gain: null, max_drift: null, resamples: 100 },
  },
};
const learnerSettings = {
  // It is no task's fault that its service is killed here, however often.
  ...{ from: ROWS, least: ROWS, lease: LEASE_SECONDS, threads: 1, attempts: 1000 },
  shadow: { prompts: 2, max_tokens: 4 },
  canary: { share: 0.5, hours: 0, answers: 0 },
};

interface Instances {
  readonly running: ServiceProcess[];
  start(): Promise<void>;
}

export async function killLearners(
  count: number,
  random: Random,
  onKill: (kills: number, state: string) => void = () => {},
): Promise<LearnerKillReport> {
  const folder = mkdtempSync(join(tmpdir(), 'lifealign-learners-'));
  const postgres = startPostgres();
  const running: ServiceProcess[] = [];
  const where: Record<string, number> = {};
  const watched = new AbortController();
  try {
    const memory = join(folder, 'support');
    writeFileSync(join(folder, 'memory.yaml'), JSON.stringify(memoryConfig));
    writeFileSync(join(folder, 'learner.yaml'), JSON.stringify(learnerSettings));
    execFileSync(process.execPath, [
      BIN,
      'memory',
      'init',
      '--memory',
      memory,
      '--config',
      join(folder, 'memory.yaml'),
    ]);
    const args = ['--memory', memory, '--learner', join(folder, 'learner.yaml'), '--threads', '1'];
    const instances: Instances = {
      running,
      start: async () => void running.push(await spawnService(args, postgres.url)),
    };
    await instances.start();
    await instances.start();
    const overlap = watchProcesses(memory, watched.signal);
    const fed: string[] = [];
    let kills = 0;
    let batch = 0;
    while (kills < count) {
      await ask(instances);
      fed.push(...(await feed(instances, batch++)));
      // Anywhere in the time that a task takes, and a little beyond.
      await wait(random.uniform() * 14_000);
      const state = await stateOf(instances);
      const pid = Number(state.leader?.split(':')[1]);
      const leader = running.find((one) => one.pid === pid);
      const struck = leader && random.uniform() < 0.75 ? leader : running[random.integer(running.length)]!;
      const at = `${struck === leader ? 'learner' : 'other'} while ${state.state}`;
      running.splice(running.indexOf(struck), 1);
      await struck.kill();
      where[at] = (where[at] ?? 0) + 1;
      onKill(++kills, at);
      await wait(random.uniform() * 2000 * LEASE_SECONDS);
      await instances.start();
    }
    // What is left may be less than a task: as much more as makes it one, so that all that was fed has to be learned.
    const rests = ({ feedback, candidate }: LearnerState) => feedback.unlearned < ROWS && candidate === null;
    const { unlearned } = (await until(instances, rests)).feedback;
    if (unlearned > 0) fed.push(...(await feed(instances, batch, ROWS - unlearned)));
    await until(instances, ({ feedback, candidate }) => feedback.unlearned === 0 && candidate === null);
    watched.abort();
    const store = await openStore({ kind: 'postgres', url: postgres.url });
    try {
      const checked = await check(store, await MemoryStore.open(memory), fed);
      return { kills, where, ...checked, overlap: await overlap };
    } finally {
      await store.close();
    }
  } finally {
    watched.abort();
    await Promise.all(running.map((one) => one.kill()));
    postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Feedback of a batch, given and accepted; whichever instance is there. */
async function feed(instances: Instances, batch: number, count = ROWS): Promise<string[]> {
  const task = builtinTasks[batch % builtinTasks.length]!;
  const ids: string[] = [];
  for (const [at, { query, chosen, rejected }] of builtinRows(task, 'train', count, batch).entries()) {
    // No two pieces alike, so that each is a row of its own.
    const body = { prompt: `${query} (${batch}-${at})`, chosen, rejected };
    const { id } = (await post(instances, '/v1/feedback', body)) as { id: string };
    await post(instances, `/v1/feedback/${id}/accept`, {});
    ids.push(id);
  }
  return ids;
}

/** So that there are recent prompts. */
async function ask(instances: Instances): Promise<void> {
  const body = {
    model: 'support',
    messages: [{ role: 'user', content: 'When do you open?' }],
    max_tokens: 4,
  };
  await post(instances, '/v1/chat/completions', body);
}

async function post(instances: Instances, path: string, body: object): Promise<unknown> {
  return request(instances, path, {
    ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  });
}

async function request({ running }: Instances, path: string, init: RequestInit = {}): Promise<unknown> {
  const url = running[0]!.url;
  const response = await fetch(`${url}${path}`, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function stateOf(instances: Instances): Promise<LearnerState> {
  return (await request(instances, '/v1/learner')) as LearnerState;
}

async function until(instances: Instances, is: (state: LearnerState) => boolean): Promise<LearnerState> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    // What feedback there is may be told as it was a moment ago.
    await wait(500);
    const state = await stateOf(instances);
    if (is(state)) return state;
    if (performance.now() > end) throw new Error(`it hangs: ${JSON.stringify(state)}`);
  }
}

/** Sums up the time in which there is more than one process that learns. [/proc: Linux only] */
async function watchProcesses(memory: string, signal: AbortSignal): Promise<number> {
  let overlap = 0;
  for (let last = performance.now(); !signal.aborted; last = performance.now()) {
    await wait(50, undefined, { signal }).catch(() => {});
    if (learning(memory) > 1) overlap += performance.now() - last;
  }
  return overlap;
}

function learning(memory: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return command.includes('learn') && command.includes(memory);
    } catch {
      return false;
    }
  }).length;
}

type Checked = Pick<LearnerKillReport, 'rows' | 'tasks' | 'attempts' | 'elected' | 'failures'>;

async function check({ db }: Store, memory: MemoryStore, fed: readonly string[]): Promise<Checked> {
  const failures: string[] = [];
  const fail = (is: boolean, what: string) => void (is && failures.push(what));
  const tasks = await db.selectFrom('learner_tasks').selectAll().execute();
  const taken = await db.selectFrom('learner_feedback').selectAll().execute();
  const learned = tasks.filter(({ state }) => state === 'full');
  fail(learned.length !== tasks.length, `ends: ${tasks.map(({ state }) => state).join(', ')}`);
  // The database: each piece in one task.
  const pieces = new Set(taken.map(({ feedback_id }) => feedback_id));
  const lost = fed.filter((id) => !pieces.has(id)).length;
  fail(lost > 0, `${lost} pieces of ${fed.length} in no task`);
  fail(pieces.size !== fed.length, `${pieces.size} pieces in tasks of ${fed.length} fed`);
  fail(pieces.size !== taken.length, 'a piece is in two tasks');
  // The memory: each task once, each row in one task, and all of them.
  const entries: string[] = [];
  const contents: string[] = [];
  for await (const { action, added } of memory.entries()) {
    if (added.length === 0 || action === 'init') continue;
    const commit = await memory.commit(added.at(-1)!);
    fail(action !== 'learn', `the memory has an entry "${action}"`);
    entries.push(commit.task!);
    const { train, gate, report } = (await memory.taskRecord(commit))!;
    for (const row of (await memory.rows([...train, ...gate, ...report])).values())
      contents.push(rowContent(row));
  }
  fail(new Set(entries).size !== entries.length, `a task is learned twice: ${entries.join(', ')}`);
  const names = learned.map(({ name }) => name).sort();
  fail(JSON.stringify(names) !== JSON.stringify([...entries].sort()), 'tasks and the memory differ');
  fail(new Set(contents).size !== contents.length, 'a row is learned twice');
  fail(contents.length !== pieces.size, `${contents.length} rows learned of ${pieces.size} pieces`);
  // One learner at a time: who begins something holds the newest lease.
  const decisions = await db.selectFrom('learner_decisions').selectAll().orderBy('id').execute();
  const leases = decisions.flatMap(({ action, detail }) =>
    action === 'elect' || action === 'learn' ? [Number((JSON.parse(detail) as { lease: number }).lease)] : [],
  );
  fail(
    leases.some((lease, at) => at > 0 && lease < leases[at - 1]!),
    `leases: ${leases.join(', ')}`,
  );
  const { serving } = await db.selectFrom('learner').select('serving').executeTakeFirstOrThrow();
  fail((await memory.head()).commit.number !== serving, 'the memory’s head is not what is served');
  return {
    ...{ rows: contents.length, tasks: entries.length, failures },
    attempts: tasks.reduce((sum, { attempts }) => sum + attempts, 0),
    elected: decisions.filter(({ action }) => action === 'elect').length,
  };
}
