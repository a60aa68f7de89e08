/** What all parts of a run share; made once by stream.ts and handed down from task to step. */
import type { Method } from '../method/method.ts';
import type { Adapter } from '../model/adapter.ts';
import type { Objective } from '../objective/objective.ts';
import type { Random } from '../support/random.ts';
import type { RunConfig, StageName } from './config/schema.ts';
import type { RunEnvironment } from './environment.ts';
import type { FixedPolicy } from './reference.ts';
import type { RunState } from './state.ts';
import type { StepLog } from './step-log.ts';
import type { StreamData, StreamTask } from './stream-data.ts';
import type { TensorBoardLog } from './tensorboard/log.ts';

export interface Run {
  readonly config: RunConfig;
  readonly environment: RunEnvironment;
  readonly data: StreamData;
  readonly method: Method;
  readonly objectives: Readonly<Record<StageName, Objective>>;
  readonly base: FixedPolicy;
  /** The reference policy; `null`: the adapter at the task's start. */
  readonly reference: { readonly policy: FixedPolicy; readonly adapter: Adapter | null } | null;
  /** Of the base, in all training that is in the adapter: the run's own, and what it began with. */
  readonly basePrecisions: readonly string[];
  readonly state: RunState;
  readonly stepLog: StepLog;
  /** `null` unless the environment asks for it. */
  readonly tensorBoard: TensorBoardLog | null;
  /** Of the run's seed; only ever forked. */
  readonly random: Random;
  /** Saves the state if the last time is long enough ago, or in any case. */
  checkpoint(when: 'due' | 'now'): Promise<void>;
  /** Lets other runs into the output folder. */
  close(): void;
}

/** The task under way. */
export function currentTask(run: Run): StreamTask {
  const task = run.data.tasks[run.state.task];
  if (!task) throw new RangeError('the stream is finished');
  return task;
}

/** In the stream's order. */
export function taskNames({ data }: Run): string[] {
  return data.tasks.map((task) => task.name);
}

/** For people: `task 2/4 helpful`. */
export function taskLabel({ method, state, data }: Run): string {
  if (method.tasks === 'at once') return `all ${data.tasks.length} tasks`;
  return `task ${state.task + 1}/${data.tasks.length} ${data.tasks[state.task]?.name}`;
}

/** For people: where in the stream a state stands. */
export function position(state: RunState, tasks: readonly StreamTask[]): string {
  const name = tasks[state.task]?.name;
  if (name === undefined) return 'the end of the stream';
  return `task ${state.task + 1}/${tasks.length} ${name}, ${state.phase}, after step ${state.step}`;
}
