/** The canary stage: what people say of both versions since it began, the test on it, and what it still waits for. */
import type { Share } from '../../eval/proportions.ts';
import type { Store } from '../store/open.ts';
import { type CanaryTest, type Compared, looksDue, SIGNALS, type Signal, testCanary } from './canary-test.ts';
import type { CanaryRecord } from './promotion.ts';
import type { Wait } from './schema.ts';
import type { LearnerSettings } from './settings.ts';
import type { Db, LearnerTask } from './tasks.ts';
import { waitForHours } from './waits.ts';

/** Of one version, since the canary began. */
export interface VersionSignal {
  /** For the bare name, by all instances. */
  readonly answers: number;
  readonly errors: number;
  /** Answers with a rating or an edit, and those of them with a thumb down or an edit. */
  readonly rated: number;
  readonly bad: number;
}

export interface LiveSignal {
  readonly serving: VersionSignal;
  readonly candidate: VersionSignal;
}

type CanaryTask = Pick<LearnerTask, 'id' | 'memory' | 'from_version' | 'version'>;

/**
 * An answer counts once, however often it was rated; what a reviewer rejected does not, nor does an answer that was
 * given before the canary, where it is still known: the candidate has none of these.
 */
export async function liveSignal(db: Db, task: CanaryTask, since: number): Promise<LiveSignal> {
  const models = {
    serving: `${task.memory}@v${task.from_version}`,
    candidate: `${task.memory}@v${task.version}`,
  };
  const rated = await db
    .selectFrom((inner) =>
      inner
        .selectFrom('feedback')
        .leftJoin('completions as answered', 'answered.id', 'feedback.completion_id')
        .select(({ fn, case: when }) => [
          'feedback.model',
          fn
            .max(when().when('rating', '<', 0).then(1).when('kind', '=', 'edit').then(1).else(0).end())
            .as('bad'),
        ])
        .where('feedback.model', 'in', Object.values(models))
        .where('feedback.at', '>=', since)
        .where(({ eb, or }) => or([eb('answered.at', 'is', null), eb('answered.at', '>=', since)]))
        .where('status', '!=', 'rejected')
        .where('completion_id', 'is not', null)
        .where(({ eb, or }) => or([eb('rating', 'is not', null), eb('kind', '=', 'edit')]))
        .groupBy(['feedback.model', 'completion_id'])
        .as('answer'),
    )
    .select(({ fn }) => ['answer.model', fn.countAll().as('rated'), fn.sum('answer.bad').as('bad')])
    .groupBy('answer.model')
    .execute();
  const traffic = await db
    .selectFrom('learner_traffic')
    .select(({ fn }) => ['version', fn.sum('answers').as('answers'), fn.sum('errors').as('errors')])
    .where('task_id', '=', task.id)
    .groupBy('version')
    .execute();
  const of = (model: string, version: number | null): VersionSignal => {
    const said = rated.find((row) => row.model === model);
    const made = traffic.find((row) => row.version === version);
    return {
      ...{ answers: Number(made?.answers ?? 0), errors: Number(made?.errors ?? 0) },
      ...{ rated: Number(said?.rated ?? 0), bad: Number(said?.bad ?? 0) },
    };
  };
  return {
    serving: of(models.serving, task.from_version),
    candidate: of(models.candidate, task.version),
  };
}

function comparedBy(signal: Signal, { serving, candidate }: LiveSignal): Compared {
  const shareOf = ({ answers, errors, rated, bad }: VersionSignal): Share =>
    signal === 'ratings' ? { hits: bad, count: rated } : { hits: errors, count: answers + errors };
  return { serving: shareOf(serving), candidate: shareOf(candidate) };
}

/** The looks that are due now; several of one signal are one look, at the level of the last. */
export function dueTests(
  { looks }: CanaryRecord,
  live: LiveSignal,
  { ratings, level }: NonNullable<LearnerSettings['canary']>,
  at: number,
): readonly CanaryTest[] {
  return SIGNALS.flatMap((signal) => {
    const compared = comparedBy(signal, live);
    const look = looksDue(compared.serving.count, compared.candidate.count, ratings);
    return look > (looks[signal] ?? 0) ? [testCanary(signal, compared, { look, level, at })] : [];
  });
}

/**
 * One more look before everybody gets the version, at all that was seen since the last one: between looks what is seen
 * may double, or stay below what a first look needs. It has the level of the next look, which is then never made.
 */
export function lastTests(
  { looks }: CanaryRecord,
  live: LiveSignal,
  { level }: NonNullable<LearnerSettings['canary']>,
  at: number,
): readonly CanaryTest[] {
  return SIGNALS.flatMap((signal) => {
    const compared = comparedBy(signal, live);
    if (compared.serving.count === 0 || compared.candidate.count === 0) return [];
    return [testCanary(signal, compared, { look: (looks[signal] ?? 0) + 1, level, at })];
  });
}

/** The record with the tests in it. */
export function withTests(record: CanaryRecord, tests: readonly CanaryTest[]): CanaryRecord {
  const looks = { ...record.looks };
  for (const { signal, look } of tests) looks[signal] = look;
  return { ...record, looks, tests: [...record.tests, ...tests] };
}

/** Empty where the task may go on by itself. */
export function canaryWaits(
  { since }: CanaryRecord,
  { candidate }: LiveSignal,
  { canary }: Pick<LearnerSettings, 'canary'>,
  now: number,
): readonly Wait[] {
  if (canary === null) return [];
  const { answers: need, hours } = canary;
  return [
    ...(candidate.answers < need ? [{ kind: 'answers', have: candidate.answers, need } as const] : []),
    ...waitForHours(since, hours, now),
  ];
}

export interface TrafficCount {
  readonly task: string;
  readonly instance: string;
  readonly version: number;
  readonly answers: number;
  readonly errors: number;
}

/** What an instance has counted so far takes the place of what it told before. */
export async function tellTraffic({ db }: Pick<Store, 'db'>, counts: readonly TrafficCount[]): Promise<void> {
  for (const { task, instance, version, answers, errors } of counts) {
    await db
      .insertInto('learner_traffic')
      .values({ task_id: task, instance, version, answers, errors })
      .onConflict((conflict) =>
        conflict.columns(['task_id', 'instance', 'version']).doUpdateSet({ answers, errors }),
      )
      .execute();
  }
}
