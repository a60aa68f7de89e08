/**
 * What a method decides about a run: the defaults it brings, and hooks where it acts. The loop in train/
 * knows no method by name; a method knows nothing of files, checkpoints or engines.
 *
 * Which loss is minimised is not the method's to say (see objective/): it only brings a default.
 */
import type { ReplaySettings } from '../data/replay-buffer.ts';
import type { ConsolidationSettings, MatrixReport } from '../memory/consolidate.ts';
import type { MemoryHistory } from '../memory/consolidate-adapter.ts';
import type { Adapter } from '../model/adapter.ts';
import type { ObjectiveName } from '../objective/index.ts';

/** `null`: the method has no such part, and a config that sets it is refused. */
export interface MethodDefaults {
  /** The preference stage's, by name and with the settings it brings; the objective has defaults of its own. */
  readonly objective: { readonly name: ObjectiveName; readonly [setting: string]: string | number };
  readonly replay: ReplaySettings | null;
  readonly consolidation: ConsolidationSettings | null;
}

export interface StageEnd {
  /** The adapter as the stage found it, and as training left it. */
  readonly before: Adapter;
  readonly after: Adapter;
  /** What earlier stages of all tasks returned as `memory`. */
  readonly history: MemoryHistory;
  /** `null` where the method has no consolidation, or the config turns it off. */
  readonly consolidation: ConsolidationSettings | null;
}

export interface StageResult {
  /** The adapter that goes on to the next stage. */
  readonly adapter: Adapter;
  /** Appended to the history; its tensors have the adapter's names and shapes. */
  readonly memory?: Adapter;
  /** What consolidation did to each matrix, by tensor name. */
  readonly reports?: ReadonlyMap<string, MatrixReport>;
}

export interface MethodHooks {
  /** The adapter a task starts from, given the run's first and the latest. Without it: the latest. */
  startTask?(initial: Adapter, latest: Adapter): Adapter;
  /** Called when a stage has trained (a stage of 0 epochs has not). Without it: the adapter as trained. */
  endStage?(stage: StageEnd): StageResult;
}

export interface Method {
  readonly name: string;
  /** One line for people choosing. */
  readonly description: string;
  readonly defaults: MethodDefaults;
  readonly hooks: MethodHooks;
}

/** 3000 rows, 20 % of each task. [arXiv:2509.17183, implementation details] */
export const paperReplay: ReplaySettings = { capacity: 3000, fraction: 0.2, policy: 'paper' };

/** The paper's text; its code defaults to lambda 0.1. [arXiv:2509.17183, sensitivity analysis] */
export const paperConsolidation: ConsolidationSettings = { threshold: 0.9, lambda: 0.5 };
