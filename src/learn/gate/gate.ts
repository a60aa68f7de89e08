/**
 * The gate: may an update of the memory be committed? It is asked with scores of single gate rows, which nothing was
 * trained on, under versions of the memory and under the update.
 *
 * Three limits, each on an estimate with an interval [low, high] over rows: of accuracies a score interval, which is wide
 * where few rows have turned among few (eval/paired-shares.ts); of margins and of the drift a bootstrap interval.
 *
 *     budget   the loss of an earlier task: its score when it was learned − its score now, on the same gate rows
 *     gain     the gain of the new task: its score now − its score before, on the same gate rows
 *     drift    KL to the base per token, over answers to neutral prompts
 *
 *     rule               a budget is broken by       a gain by           a drift by
 *     significance       loss > budget, low > 0      gain < minimum      drift > limit, low > 0
 *     non-inferiority    high > budget               low < minimum       high > limit
 *
 * A loss counts from when the task was learned, so that many small ones do not pass one by one; but an update under
 * which the task scores no lower than before it is not blamed for what earlier ones lost.
 *
 * Every interval stands for itself. Under `significance` each further task adds a small chance of a false alarm, which
 * takes a loss that is estimated beyond its budget by chance alone; under `non-inferiority` an update that really
 * breaks some budget passes with at most the chance of one interval, however many tasks there are.
 * [Berger 1982, doi:10.1080/00401706.1982.10487790]
 */
import { bootstrapRatio, type RatioRow } from '../../eval/ratios.ts';
import type { Interval } from '../../eval/statistics.ts';
import { Random } from '../../support/random.ts';
import { scoreDifference } from '../score-difference.ts';
import type { GateSettings } from './settings.ts';

export interface LimitVerdict {
  readonly kind: 'budget' | 'gain' | 'drift';
  /** `null` for the drift. */
  readonly task: string | null;
  /** Of the loss, the gain or the drift. */
  readonly measured: Interval;
  readonly limit: number;
  readonly broken: boolean;
}

/** One score for each of an earlier task's gate rows, in one order. */
export interface EarlierScores {
  readonly task: string;
  /** Under the version that learned it, the one before the update, and the update. */
  readonly learned: readonly number[];
  readonly before: readonly number[];
  readonly now: readonly number[];
}

/** What an earlier task may lose. */
export function budgetOf(task: string, { budget, budgets }: GateSettings): number {
  return Object.hasOwn(budgets, task) ? budgets[task]! : budget;
}

/** Equal scores, settings and seed give equal verdicts, here and below. */
export function budgetVerdict(scores: EarlierScores, settings: GateSettings, seed: number): LimitVerdict {
  const { task, learned, before, now } = scores;
  const limit = budgetOf(task, settings);
  const measured = scoreDifference(settings.score, now, learned, generator(seed, `budget ${task}`), settings);
  const broken = sum(now) < sum(before) && exceeds(measured, limit, settings);
  return { kind: 'budget', task, measured, limit, broken };
}

export function gainVerdict(
  { task, before, now }: Pick<EarlierScores, 'task' | 'before' | 'now'>,
  limit: number,
  settings: GateSettings,
  seed: number,
): LimitVerdict {
  const measured = scoreDifference(settings.score, before, now, generator(seed, `gain ${task}`), settings);
  const broken = (settings.rule === 'significance' ? measured.estimate : measured.low) < limit;
  return { kind: 'gain', task, measured, limit, broken };
}

/** @param rows what each neutral prompt adds to the drift */
export function driftVerdict(
  rows: readonly RatioRow[],
  limit: number,
  settings: GateSettings,
  seed: number,
): LimitVerdict {
  const measured = bootstrapRatio(rows, generator(seed, 'drift'), settings);
  return { kind: 'drift', task: null, measured, limit, broken: exceeds(measured, limit, settings) };
}

function exceeds({ estimate, low, high }: Interval, limit: number, { rule }: GateSettings): boolean {
  return rule === 'significance' ? estimate > limit && low > 0 : high > limit;
}

function generator(seed: number, label: string): Random {
  return Random.fromSeed(seed).fork(`gate ${label}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
