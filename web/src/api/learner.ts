/** What `/v1/learner` tells: a service without a learner says `off`. Times are milliseconds since 1970. */
import type { Gate, Scores } from '../../../src/service/memories/schema.ts';

export type LearnerState = 'off' | 'idle' | 'waiting' | 'learning' | 'shadow' | 'canary';

export interface WaitsFor {
  readonly kind: string;
  readonly have?: number;
  readonly need?: number;
  readonly until?: number;
  readonly reason?: string;
}

export interface Learner {
  readonly memory: string | null;
  readonly state: LearnerState;
  readonly paused: boolean;
  readonly candidate: string | null;
  readonly last: { readonly id: string; readonly state: string } | null;
  readonly serving: { readonly version: number; readonly model: string } | null;
  readonly canary: { readonly version: number; readonly model: string; readonly share: number } | null;
  readonly requested: boolean;
  readonly feedback: Readonly<
    Record<'unlearned' | 'rows' | 'unpaired' | 'unusable' | 'duplicates' | 'contradicted', number>
  >;
  readonly waits_for: readonly WaitsFor[];
  readonly progress: {
    readonly label: string;
    readonly done: number;
    readonly total: number;
    readonly unit: string;
    readonly note: string;
    readonly at: number;
  } | null;
}

export type CandidateState =
  | 'collected'
  | 'learning'
  | 'refused'
  | 'failed'
  | 'shadow'
  | 'canary'
  | 'full'
  | 'rolled-back';

interface Arm {
  readonly answers: number;
  readonly errors: number;
  readonly rated: number;
  readonly bad: number;
}

export interface Candidate {
  readonly id: string;
  readonly task: string;
  readonly state: CandidateState;
  readonly trigger: string;
  readonly created_at: number;
  readonly state_at: number;
  readonly feedback: number;
  readonly rows: number;
  readonly from_version: number | null;
  readonly version: number | null;
  readonly model: string | null;
  readonly error: string | null;
  readonly reason: string | null;
  readonly gate:
    | (Gate & {
        readonly before: Readonly<Record<string, Scores>>;
        readonly after: Readonly<Record<string, Scores>>;
      })
    | null;
  readonly shadow: {
    readonly prompts: number;
    readonly compared: number;
    readonly failed: number;
    readonly length_ratio: number | null;
    readonly exact: number | null;
    readonly similarity: number | null;
    readonly reward: { readonly estimate: number; readonly low: number; readonly high: number } | null;
  } | null;
  readonly canary: {
    readonly since: number;
    readonly share: number;
    readonly serving: Arm;
    readonly candidate: Arm;
    readonly tests: readonly {
      readonly at: number;
      readonly look: number;
      readonly signal: string;
      readonly p_value: number;
      readonly level: number;
      readonly worse: boolean;
    }[];
  } | null;
}

export interface Comparison {
  readonly position: number;
  readonly prompt: readonly unknown[];
  /** `null` where that version could not answer. */
  readonly serving: { readonly text: string; readonly tokens: number } | null;
  readonly candidate: { readonly text: string; readonly tokens: number } | null;
  readonly equal: boolean;
  readonly similarity: number;
  readonly reward: number | null;
}

export interface Decision {
  readonly id: string;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly candidate: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}
