/** A service that learns, over a small memory, with a learning process that is played in this one. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { MemoryStore } from '../../../src/memory/store/store.ts';
import { lockMemory } from '../../../src/memory/store/writer.ts';
import { ApiError } from '../../../src/service/api-error.ts';
import type { ChatBackend } from '../../../src/service/chat/backend.ts';
import { hashesOf } from '../../../src/service/feedback/feedback-store.ts';
import { createLogger } from '../../../src/service/http/log.ts';
import { backendAnswering } from '../../../src/service/learner/answering.ts';
import type { LearnEnd, LearnJob, StartLearn } from '../../../src/service/learner/learn-process.ts';
import type { CandidateState, LearnerState } from '../../../src/service/learner/schema.ts';
import { Serving } from '../../../src/service/learner/serving.ts';
import { parseLearnerSettings } from '../../../src/service/learner/settings.ts';
import { watchMemory } from '../../../src/service/models/memory-watch.ts';
import { ModelRegistry } from '../../../src/service/models/registry.ts';
import { openStore, type StoreLocation } from '../../../src/service/store/open.ts';
import { type FeedbackTable, newId } from '../../../src/service/store/tables.ts';
import { createSmallMemory, smallTask } from '../../memory/store/small-memory.ts';
import { startTestService, type TestService } from '../service.ts';

const INTERVAL = 10;

/** Resolves once this no longer throws: on a busy machine, late. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 20_000 });
}

/** What a played learning process does; each kind of end is one of `learn`'s. */
export type Play =
  | 'commit'
  | 'refuse'
  | 'fail'
  | 'bad input'
  | 'hang'
  | 'commit and be killed'
  | 'find the head moved';

export interface PlayedLearn {
  readonly start: StartLearn;
  readonly jobs: LearnJob[];
  /** The rows that each job was given. */
  readonly rows: { prompt: { content: string }[]; chosen: string; rejected: string }[][];
  /** What the next ones do; the last again and again. */
  plays: Play[];
  killed: number;
}

export function playedLearn(...plays: Play[]): PlayedLearn {
  const played: PlayedLearn = {
    ...{ jobs: [], rows: [], plays, killed: 0 },
    start(job, onProgress) {
      played.jobs.push(job);
      played.rows.push(
        readFileSync(job.data, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
      const play = played.plays.length > 1 ? played.plays.shift()! : played.plays[0]!;
      const ending = new AbortController();
      onProgress({ label: job.task, done: 1, total: 2, unit: 'steps', note: '1 steps/s', at: 0 });
      const stop = () => ending.abort();
      return {
        ended: perform(job, play, ending.signal),
        stop,
        kill() {
          played.killed++;
          stop();
        },
      };
    },
  };
  return played;
}

async function perform({ memory, task }: LearnJob, play: Play, signal: AbortSignal): Promise<LearnEnd> {
  if (play === 'hang') {
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return { code: null, problem: null };
  }
  if (play === 'fail') return { code: 1, problem: 'out of luck' };
  if (play === 'bad input') return { code: 2, problem: 'too few rows' };
  const writer = await lockMemory(memory, { wait: 10 });
  try {
    if (play === 'find the head moved') {
      await writer.revert('0');
      return { code: 2, problem: 'the head has moved' };
    }
    const learned = await smallTask(writer.store, task);
    if (play === 'refuse') {
      await writer.keepAside(learned, 'refused by the gate');
      return { code: 3, problem: null };
    }
    await writer.learn(learned);
    return { code: play === 'commit' ? 0 : null, problem: null };
  } finally {
    writer.release();
  }
}

export interface LearnerServiceOptions {
  readonly folder: string;
  readonly learn: PlayedLearn;
  readonly settings?: object;
  readonly location?: StoreLocation;
  readonly instance?: string;
}

export interface LearnerTestService extends TestService {
  readonly memory: MemoryStore;
  readonly registry: ModelRegistry;
  state(): Promise<LearnerState>;
  /** Resolves once the state is like this. */
  comesTo(expected: object): Promise<void>;
  candidate(id: string): Promise<CandidateState>;
  /** Of the newest candidate, once `is` is true of it. */
  until(is: (candidate: CandidateState, state: LearnerState) => boolean): Promise<CandidateState>;
  decisions(): Promise<
    { action: string; actor: string; to: string | null; detail: Record<string, unknown> }[]
  >;
  /** Accepted pairs of this number and on; written at once, as what matters begins behind them. */
  feed(from: number, count: number): Promise<void>;
  /** Thumbs on answers, which wait for review. */
  rate(rated: readonly { id: string; model: string; up: boolean }[]): Promise<void>;
  act(path: string, body?: object): Promise<Response>;
  /** What the bare name answers with. */
  ask(content: string, more?: object): Promise<{ id: string; model: string }>;
  /** Resolves once the bare name means this version, whoever asks. */
  serves(model: string): Promise<void>;
  /** Resolves once some requests for the bare name go to a canary. */
  diverts(): Promise<void>;
  /** Time for some looks at the database: in which nothing is to happen. */
  settle(): Promise<void>;
}

/** One service for each test of a file, in a folder of its own; both are gone after it. */
export function useLearnerService() {
  let folder: string;
  let service: LearnerTestService | null = null;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lifealign-learner-'));
  });
  afterEach(async () => {
    await service?.end();
    service = null;
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    memoryFolder: () => join(folder, 'support'),
    async start(learn = playedLearn('commit'), settings: object = {}): Promise<LearnerTestService> {
      service = await startLearnerService({ folder, learn, settings });
      return service;
    },
  };
}

/** The memory `support` in the folder, made where there is none. */
export async function startLearnerService(options: LearnerServiceOptions): Promise<LearnerTestService> {
  const { folder, learn, settings = {}, instance = 'one' } = options;
  const memoryFolder = join(folder, 'support');
  const memory = await MemoryStore.open(memoryFolder).catch(() => createSmallMemory(memoryFolder));
  const location = options.location ?? { kind: 'sqlite', file: join(folder, 'service.sqlite') };
  const store = await openStore(location);
  // Nobody pulls a plug here.
  if (store.kind === 'sqlite') await sql`pragma synchronous = OFF`.execute(store.db);
  const logger = createLogger('silent');
  const registry = new ModelRegistry();
  const watch = await watchMemory({
    ...{ name: 'support', memory, registry, leads: false, interval: INTERVAL },
    ...{ check() {}, onPublish() {}, onError() {} },
  });
  const named = { name: 'support', store: memory };
  const serving = await Serving.open({
    ...{ store, memory: named, registry, instance, logger, interval: INTERVAL },
  });
  const backend = versionBackend(registry, serving, watch);
  const defaults = {
    from: 4,
    least: 2,
    shadow: { prompts: 3 },
    canary: { hours: 0, answers: 4, ratings: 4 },
  };
  const service = await startTestService(backend, {
    store,
    learner: {
      ...{ memory: named, serving, instance, startLearn: learn.start, interval: INTERVAL },
      settings: parseLearnerSettings({ ...defaults, ...settings }, 'test'),
      answering: backendAnswering(backend),
    },
  });
  const read = async <T>(path: string) => (await (await service.request(path)).json()) as T;
  const state = () => read<LearnerState>('/v1/learner');
  const candidate = (id: string) => read<CandidateState>(`/v1/learner/candidates/${id}`);
  const post = (path: string, body: object = {}) => service.request(path, { body });
  /** The versions that a hundred people get. */
  const served = () => {
    const people = Array.from({ length: 100 }, (_, at) => `p${at}`);
    return [...new Set(people.map((person) => registry.resolve('support', person)?.id))];
  };
  return {
    ...service,
    ...{ memory, registry, state, candidate },
    act: (path, body) => post(`/v1/learner/${path}`, body),
    async until(is) {
      for (let tries = 0; tries < 2000; tries++) {
        const now = await state();
        if (now.last !== null) {
          const last = await candidate(now.last.id);
          if (is(last, now)) return last;
        }
        await wait(INTERVAL);
      }
      throw new Error(`it did not come to that: ${JSON.stringify(await state())}`);
    },
    decisions: async () =>
      (await read<{ data: Awaited<ReturnType<LearnerTestService['decisions']>> }>('/v1/learner/decisions'))
        .data,
    async feed(from, count) {
      const rows = Array.from({ length: count }, (_, at) => acceptedPair(from + at));
      await store.db.insertInto('feedback').values(rows).execute();
    },
    async rate(rated) {
      const rows = rated.map(({ id, model }, at) => ({
        ...acceptedPair(1000 + at),
        ...{ kind: 'rating', completion_id: id, model, answer: 'answer', status: 'pending' },
        ...{ chosen: null, rejected: null, rating: rated[at]!.up ? 1 : -1 },
      }));
      await store.db.insertInto('feedback').values(rows).execute();
    },
    async ask(content, more = {}) {
      const body = { model: 'support', messages: [{ role: 'user', content }], ...more };
      return (await (await post('/v1/chat/completions', body)).json()) as { id: string; model: string };
    },
    comesTo: (expected) => eventually(async () => expect(await state()).toMatchObject(expected)),
    serves: (model) => eventually(() => expect(served()).toEqual([model])),
    diverts: () => eventually(() => expect(served()).toHaveLength(2)),
    settle: () => wait(5 * INTERVAL),
  };
}

interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly content: string }[];
  readonly user?: string;
  readonly store?: boolean;
}

/** As the review queue leaves it. */
export function acceptedPair(at: number): FeedbackTable {
  const content = {
    ...{ kind: 'pair', prompt: JSON.stringify([{ role: 'user', content: `question ${at}` }]), answer: null },
    ...{ chosen: `good ${at}`, rejected: `bad ${at}`, rating: null, comment: null },
  };
  return {
    ...{ id: newId('fb'), at: Date.now(), source: 'test', person: null, completion_id: null, model: null },
    ...{ ...content, ...hashesOf(content), tags: '[]', status: 'accepted', decided_at: Date.now() },
    ...{ decided_by: 'test', idempotency_key: null, request_hash: null },
    ...{ learner_seen: null, waits_on: null },
  };
}

/** Says which version answers, and nothing else. */
function versionBackend(
  registry: ModelRegistry,
  serving: Serving,
  watch: { stop(): Promise<void> },
): ChatBackend {
  let made = 0;
  return {
    models: async () => [],
    async chat(body, { record }) {
      const { model, messages, user, store } = body as unknown as Asked;
      const version = registry.resolve(model, user ?? messages[0]!.content);
      if (!version) throw new ApiError(404, 'no such model');
      const head = { id: `chatcmpl-${process.pid}-${made++}-${Date.now()}`, created: 0, model: version.id };
      if (messages[0]!.content.includes('unanswerable')) throw new ApiError(400, 'not this');
      const answer = `${messages[0]!.content} answered by ${version.id}`;
      await record({
        ...head,
        ...{ messages, answers: [answer], usage: null, person: user ?? null, keep: store !== false },
      });
      if (model === version.name) serving.count(version, 'answered');
      const message = { role: 'assistant', content: answer };
      const usage = { completion_tokens: answer.length };
      const choices = [{ index: 0, message, finish_reason: 'stop' }];
      return { response: Response.json({ ...head, choices, usage }), done: Promise.resolve() };
    },
    load: () => ({ running: 0, waiting: 0 }),
    drain: async () => {},
    close: () => watch.stop(),
  };
}
