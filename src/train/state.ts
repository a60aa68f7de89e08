/**
 * Everything a run's future depends on besides its config and data. Checkpoints are made of it, and
 * nothing else: what is random is drawn from generators named by seed, task, stage and epoch.
 */
import type { ReplayBuffer } from '../data/replay-buffer.ts';
import type { GeneralScores } from '../eval/general-ability.ts';
import type { PreferenceScores } from '../eval/preference.ts';
import type { Method, MethodRun } from '../method/method.ts';
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
  /** The policy's; what is trained may be a part of it. */
  adapter: Adapter;
  /** The adapter as the task and the stage found it. */
  taskStart: Adapter;
  stageStart: Adapter;
  /** `null` between stages. */
  optimizer: AdamW | null;
  /** With what it remembers. */
  method: MethodRun;
  /** `null` where no rows are replayed. */
  replay: ReplayBuffer<ReplayedRow> | null;
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

/** What a stream begins with. */
export interface StreamStart {
  readonly initial: Adapter;
  /** How many tasks there are, and whether they are trained at once: then the stream is its last task. */
  readonly tasks: number;
  readonly order: Method['tasks'];
  /** Of the tasks, the first so many are finished already. */
  readonly finished?: number;
  readonly method: MethodRun;
  readonly replay: ReplayBuffer<ReplayedRow> | null;
}

/** The state at the beginning of a stream. */
export function initialState({ initial, tasks, order, finished = 0, method, replay }: StreamStart): RunState {
  const first = order === 'at once' ? tasks - 1 : finished;
  const state: RunState = {
    task: first - 1,
    phase: 'sft',
    step: 0,
    adapter: initial,
    taskStart: initial,
    stageStart: initial,
    optimizer: null,
    method,
    replay,
    scores: Array.from({ length: tasks }, () => new Array<TaskScores | null>(tasks).fill(null)),
    general: new Array<GeneralScores | null>(tasks).fill(null),
    stepLogBytes: 0,
    steps: 0,
    tokens: 0,
    seconds: 0,
  };
  beginTask(state);
  return state;
}

/** Moves on to the next task, which starts from what the method makes of the latest adapter. */
export function beginTask(state: RunState): void {
  state.task += 1;
  const isOver = state.task === state.scores.length;
  if (!isOver) state.adapter = state.method.startTask?.(state.task, state.adapter) ?? state.adapter;
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
