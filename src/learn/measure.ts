/** Policies on gate and report rows: log-probs of single rows, scores over them. */
import type { RowLogProbs } from '../engine/engine.ts';
import {
  preferenceScores,
  prefersChosen,
  type RowScore,
  rewardMargin,
  rowScores,
} from '../eval/preference.ts';
import { type Adapter, adapterHash } from '../model/adapter.ts';
import type { RunEnvironment } from '../train/environment.ts';
import { FixedPolicy, scorePolicy } from '../train/reference.ts';
import { scoredRows, type TaskRows } from '../train/task-rows.ts';
import type { GateScore } from './gate/settings.ts';

export type MeasureEnvironment = Pick<
  RunEnvironment,
  'engine' | 'text' | 'cacheFolder' | 'log' | 'progress' | 'signal'
>;

/** What is scored under versions of a memory is kept on disk, as is what the base gives: both stay what they are. */
export class Measuring {
  readonly #environment: MeasureEnvironment;
  readonly #versions = new Map<string, Promise<FixedPolicy>>();
  readonly base: FixedPolicy;

  private constructor(environment: MeasureEnvironment, base: FixedPolicy) {
    this.#environment = environment;
    this.base = base;
  }

  static async open(environment: MeasureEnvironment): Promise<Measuring> {
    return new Measuring(environment, await FixedPolicy.open(null, environment));
  }

  /** Under a committed version. @throws {UserError} for log-probs that are not finite. */
  async version(rows: TaskRows, adapter: Adapter, label: string): Promise<readonly RowScore[]> {
    const key = adapterHash(adapter);
    const policy = this.#versions.get(key) ?? FixedPolicy.open(adapter, this.#environment);
    this.#versions.set(key, policy);
    return this.#scores(rows, await (await policy).logProbs(rows.encoded, this.#options(label)), label);
  }

  /** Under an adapter that may never be committed. @throws {UserError} for log-probs that are not finite. */
  async candidate(rows: TaskRows, adapter: Adapter, label: string): Promise<readonly RowScore[]> {
    const { engine } = this.#environment;
    return this.#scores(rows, await scorePolicy(engine, rows.encoded, adapter, this.#options(label)), label);
  }

  async #scores(rows: TaskRows, policy: RowLogProbs, label: string): Promise<readonly RowScore[]> {
    const base = await this.base.logProbs(rows.encoded, this.#options(label));
    return rowScores(scoredRows(rows), policy, base);
  }

  #options(label: string) {
    const { progress, signal } = this.#environment;
    return { label, progress, signal };
  }
}

/** A number for each row, in percent or nats; their mean is the score. */
export function valuesOf(score: GateScore, rows: readonly RowScore[]): number[] {
  switch (score) {
    case 'preference_accuracy':
      return rows.map((row) => 100 * prefersChosen(row));
    case 'reward_accuracy':
      return rows.map((row) => (rewardMargin(row) > 0 ? 100 : 0));
    case 'margin':
      return rows.map(rewardMargin);
  }
}

/** As files have them: shares in percent. */
export function metricsOf(rows: readonly RowScore[]) {
  const { preferenceAccuracy, rewardAccuracy, margin } = preferenceScores(rows);
  return {
    rows: rows.length,
    preference_accuracy: preferenceAccuracy,
    reward_accuracy: rewardAccuracy,
    margin,
  };
}
