/**
 * Everything a run's future depends on besides its config and data. Checkpoints are made of it, and
 * nothing else: what is random is drawn from generators named by seed, task, stage and epoch.
 */
import type { ReplayBuffer } from '../data/replay-buffer.ts';
import type { GeneralScores } from '../eval/general-ability.ts';
import type { PreferenceScores } from '../eval/preference.ts';
import { MemoryHistory } from '../memory/consolidate-adapter.ts';
import type { Adapter } from '../model/adapter.ts';
import { AdamW, type AdamWState } from '../optim/adamw.ts';
import type { RunConfig, StageName } from './config/schema.ts';

/** A task's way: train, train, store its adapter and some of its rows, measure. */
export const phases = ['sft', 'preference', 'store', 'evaluate'] as const;
export type Phase = (typeof phases)[number];

/** Where a replayed row comes from, and its log-probs under a reference that never changes. */
export interface ReplayedRow {
  /** Positions in the stream and in the task's encoded training rows, from 0. */
  readonly task: number;
  readonly position: number;
  /** `null` where no such reference is read. */
  readonly reference: { readonly chosen: number; readonly rejected: number } | null;
}

/** One cell of the result matrix. */
export interface TaskScores extends PreferenceScores {
  /** Mean of the task's judge over answers to the test prompts, percent; `null` for a task without one. */
  readonly judge: number | null;
}

export interface RunState {
  /** Counted from 0; the number of tasks when the run is done. */
  task: number;
  phase: Phase;
  /** Optimizer steps done in the stage. */
  step: number;
  adapter: Adapter;
  /** The adapter as the task and the stage found it. */
  taskStart: Adapter;
  stageStart: Adapter;
  /** `null` between stages. */
  optimizer: AdamW | null;
  /** `null` where the method keeps none. */
  replay: ReplayBuffer<ReplayedRow> | null;
  history: MemoryHistory;
  /** `scores[i][j]`: on task j's test rows after task i; `null` where not measured. */
  scores: (TaskScores | null)[][];
  /** General ability after each task; `null` where not measured. */
  general: (GeneralScores | null)[];
  /** Bytes of steps.jsonl that belong to the steps done. */
  stepLogBytes: number;
  /** Training steps, tokens they covered, and seconds of work, over all resumes. */
  steps: number;
  tokens: number;
  seconds: number;
}

/** The state at the beginning of a stream of `tasks` tasks. */
export function initialState(
  initial: Adapter,
  tasks: number,
  replay: ReplayBuffer<ReplayedRow> | null,
  startTask: (latest: Adapter) => Adapter,
): RunState {
  const scores = Array.from({ length: tasks }, () => new Array<TaskScores | null>(tasks).fill(null));
  const counters = { stepLogBytes: 0, steps: 0, tokens: 0, seconds: 0 };
  const general = new Array<GeneralScores | null>(tasks).fill(null);
  const measured = { scores, general };
  const state = {
    task: -1,
    phase: 'sft' as const,
    step: 0,
    optimizer: null,
    replay,
    ...measured,
    ...counters,
  };
  const start = { adapter: initial, taskStart: initial, stageStart: initial, history: new MemoryHistory() };
  const whole: RunState = { ...state, ...start };
  beginTask(whole, startTask);
  return whole;
}

/** Moves on to the next task, which starts from what `startTask` makes of the latest adapter. */
export function beginTask(state: RunState, startTask: (latest: Adapter) => Adapter): void {
  state.task += 1;
  state.adapter = startTask(state.adapter);
  state.taskStart = state.adapter;
  enterPhase(state, 'sft');
}

/** Moves on within the task; every stage begins with a fresh optimizer. */
export function enterPhase(state: RunState, phase: Phase): void {
  state.phase = phase;
  state.step = 0;
  state.optimizer = null;
  state.stageStart = state.adapter;
}

/** A stage's optimizer, fresh or as it was saved. */
export function stageOptimizer(config: RunConfig, stage: StageName, saved?: AdamWState): AdamW {
  return new AdamW({ weightDecay: config.stages[stage].weight_decay }, saved);
}
