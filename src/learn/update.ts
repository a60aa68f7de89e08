/** What an update of the memory did, as the commit records it and as it is told: numbers, limits, what was searched. */
import type { Interval } from '../eval/statistics.ts';
import type { CommitMetrics } from '../memory/store/records.ts';
import type { GeneralMeasured } from '../train/neutral.ts';
import type { CandidateSettings } from './candidate.ts';
import type { LimitVerdict } from './gate/gate.ts';
import type { GateRule, GateScore, GateSettings } from './gate/settings.ts';
import type { Decision } from './judging.ts';

export interface LimitRecord {
  readonly kind: LimitVerdict['kind'];
  readonly task: string | null;
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
  readonly limit: number;
  readonly broken: boolean;
}

export interface SearchedRecord extends CandidateSettings {
  /** % of the short-term memories' energy. */
  readonly energy_kept: number;
  readonly passed: boolean;
  /** Those that were looked at: up to the first that is broken. */
  readonly limits: readonly LimitRecord[];
}

export interface GateRecord {
  readonly passed: boolean;
  readonly score: GateScore;
  readonly rule: GateRule;
  readonly level: number;
  /** Of the candidate that was committed or refused. */
  readonly consolidation: CandidateSettings;
  readonly limits: readonly LimitRecord[];
  /** Where the search found another one: the limits under the config's settings. */
  readonly default_limits: readonly LimitRecord[] | null;
  readonly searched: readonly SearchedRecord[];
}

export interface GeneralRecord {
  /** Nats per token, on neutral conversations. */
  readonly kl: number;
  readonly loss: number;
  readonly base_loss: number;
}

/** A commit's metrics as `learn` makes them; JSON, as the store keeps it. */
export interface UpdateMetrics extends Pick<CommitMetrics, 'before' | 'after'> {
  readonly gate: GateRecord;
  readonly general: GeneralRecord | null;
}

/** Interfaces have no index signature; what JSON gives has. */
export function asCommitMetrics(metrics: UpdateMetrics): CommitMetrics {
  return JSON.parse(JSON.stringify(metrics));
}

export function gateRecord({ candidate, verdict, first, tried }: Decision, gate: GateSettings): GateRecord {
  return {
    passed: verdict.passed,
    score: gate.score,
    rule: gate.rule,
    level: gate.level,
    consolidation: candidate.settings,
    limits: verdict.limits.map(limitRecord),
    default_limits: verdict === first ? null : first.limits.map(limitRecord),
    searched: tried.map(({ settings, energyKept, judged }) => ({
      ...settings,
      energy_kept: 100 * energyKept,
      passed: judged.passed,
      limits: judged.limits.map(limitRecord),
    })),
  };
}

export function generalRecord(measured: GeneralMeasured | null): GeneralRecord | null {
  if (measured === null) return null;
  const { kl, loss, baseLoss } = measured.scores;
  return { kl, loss, base_loss: baseLoss };
}

function limitRecord({ kind, task, measured, limit, broken }: LimitVerdict): LimitRecord {
  const { estimate, low, high }: Interval = measured;
  return { kind, task, estimate, low, high, limit, broken };
}
