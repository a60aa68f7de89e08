/** The learner's state, and a candidate's, as the API tells them: from the database alone, so any instance may be asked. */
import { databaseNow } from '../store/clock.ts';
import type { Store } from '../store/open.ts';
import { canaryWaits, liveSignal } from './canary.ts';
import type { Unlearned, UnlearnedSummary } from './collect.ts';
import type { LearnProgress } from './learn-process.ts';
import { canaryOf } from './promotion.ts';
import type { CandidateState, LearnerState, Wait } from './schema.ts';
import type { LearnerSettings } from './settings.ts';
import { type ShadowSummary, shadowSummary, shadowWaits } from './shadow-summary.ts';
import { type LearnerTask, newestTask, openTask } from './tasks.ts';
import { triggerOf } from './trigger.ts';
import { retryWaits } from './waits.ts';

/** Who asks, and for which memory. */
export interface Known {
  readonly store: Store;
  readonly memory: string;
  readonly instance: string;
  readonly settings: LearnerSettings;
  readonly unlearned: Unlearned;
}

const NOTHING: UnlearnedSummary = {
  ...{ unlearned: 0, rows: 0, duplicate: 0, contradicted: 0, unusable: 0, unpaired: 0 },
};

/** Of a service that has no learner. */
export const OFF: LearnerState = {
  ...{ object: 'learner', memory: null, state: 'off', paused: false, candidate: null, last: null },
  ...{ serving: null, canary: null, leader: null, instance: null, requested: false },
  ...{ feedback: counts(NOTHING), waits_for: [], progress: null, settings: null },
};

export async function learnerState(known: Known): Promise<LearnerState> {
  const { store, memory, instance, settings, unlearned } = known;
  const { db } = store;
  const row = await db
    .selectFrom('learner')
    .selectAll()
    .select(({ eb }) => eb('until', '>', databaseNow(store)).as('held'))
    .where('memory', '=', memory)
    .executeTakeFirstOrThrow();
  const [open, last, summary] = await Promise.all([
    openTask(db, memory),
    newestTask(db, memory),
    unlearned.summary(),
  ]);
  const record = open?.state === 'canary' ? canaryOf(open) : null;
  const named = (version: number) => ({ version, model: `${memory}@v${version}` });
  const waits =
    open === undefined
      ? collectWaits(known, row.started_at, row.requested_by !== null, summary, last)
      : await stageWaits(known, open);
  // SQLite has no booleans.
  const held = Number(row.held) === 1;
  return {
    ...{ object: 'learner', memory, instance },
    state: stateOf(open, summary, settings),
    paused: row.paused === 1,
    candidate: open?.id ?? null,
    last: last ? { id: last.id, state: last.state } : null,
    serving: named(row.serving),
    canary: open?.version == null || record === null ? null : { ...named(open.version), share: record.share },
    leader: held ? row.owner : null,
    requested: row.requested_by !== null,
    feedback: counts(summary),
    waits_for: [...(row.paused === 1 ? [{ kind: 'paused' } as const] : []), ...waits],
    progress: held && row.progress !== null ? (JSON.parse(row.progress) as LearnProgress) : null,
    settings,
  };
}

function stateOf(
  open: LearnerTask | undefined,
  { unlearned }: UnlearnedSummary,
  { every }: LearnerSettings,
): LearnerState['state'] {
  if (open?.state === 'shadow' || open?.state === 'canary') return open.state;
  if (open) return 'learning';
  return unlearned > 0 || every !== null ? 'waiting' : 'idle';
}

function counts({ unlearned, rows, unpaired, unusable, duplicate, contradicted }: UnlearnedSummary) {
  return { unlearned, rows, unpaired, unusable, duplicates: duplicate, contradicted };
}

function collectWaits(
  { settings }: Known,
  started: number,
  requested: boolean,
  unlearned: UnlearnedSummary,
  last: LearnerTask | undefined,
): Wait[] {
  const result = triggerOf({ settings, unlearned, last, started, requested, now: Date.now() });
  return result.trigger === null ? [...result.waits] : [];
}

async function stageWaits({ store, settings }: Known, task: LearnerTask): Promise<Wait[]> {
  if (task.state === 'shadow') {
    return [...shadowWaits(task, await shadowSummary(store.db, task, settings), settings, Date.now())];
  }
  const record = canaryOf(task);
  if (task.state === 'learning') return [...retryWaits(task, Date.now())];
  if (task.state !== 'canary' || record === null) return [];
  return [...canaryWaits(record, await liveSignal(store.db, task, record.since), settings, Date.now())];
}

/** @param whole with the gate's table and the stages' figures: not in a list */
export async function candidateState(
  { store, settings }: Pick<Known, 'store' | 'settings'>,
  task: LearnerTask,
  whole: boolean,
): Promise<CandidateState> {
  const record = canaryOf(task);
  const { id, name, state, created_at, state_at, feedback, rows, attempts, from_version, version } = task;
  return {
    ...{ object: 'learner.candidate', id, task: name, state },
    trigger: task.trigger as CandidateState['trigger'],
    ...{ created_at, state_at, feedback, rows, attempts, from_version, version },
    model: version === null ? null : `${task.memory}@v${version}`,
    ...{ commit: task.commit_hash, error: task.error, reason: task.reason },
    gate: whole && task.gate !== null ? (JSON.parse(task.gate) as CandidateState['gate']) : null,
    shadow: whole && version !== null ? shown(await shadowSummary(store.db, task, settings)) : null,
    canary:
      whole && record !== null
        ? {
            ...(await liveSignal(store.db, task, record.since)),
            ...{ since: record.since, share: record.share, looks: { ...record.looks } },
            tests: record.tests as NonNullable<CandidateState['canary']>['tests'],
          }
        : null,
  };
}

function shown(summary: ShadowSummary): CandidateState['shadow'] {
  const { reward } = summary;
  if (reward === null) return { ...summary, reward };
  const { estimate, low, high } = reward;
  return { ...summary, reward: { estimate, low, high } };
}
