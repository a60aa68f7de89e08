/**
 * What a method decides about a run: the defaults it brings, settings of its own, and hooks where it acts. The
 * loop in train/ knows no method by name; a method knows nothing of files, checkpoints or engines.
 *
 * Which loss is minimised is not the method's to say (see objective/): it brings a default, and may weigh its
 * rows. Whether rows of earlier tasks are replayed is not either, where replay means anything to it.
 */
import * as z from 'zod';
import type { RowLogProbs } from '../engine/engine.ts';
import type { ConsolidationSettings, MatrixReport } from '../memory/consolidate.ts';
import type { Adapter, PromptPool, TrainedMatrix } from '../model/adapter.ts';
import type { TokenEmbeddings } from '../model/token-embeddings.ts';
import type { ObjectiveName } from '../objective/index.ts';
import type { Objective } from '../objective/objective.ts';
import type { Random } from '../support/random.ts';
import type { EncodedRow } from '../text/encoded-row.ts';

/** What a config that says nothing gets. */
export interface MethodDefaults {
  /** The preference stage's, by name and with the settings it brings; the objective has defaults of its own. */
  readonly objective: { readonly name: ObjectiveName; readonly [setting: string]: string | number };
  /** `never`: replayed rows would contradict the method or reach nothing, and a config that asks is refused. */
  readonly replay: 'on' | 'off' | 'never';
  /** `null`: the method has no such part, and a config that sets it is refused. */
  readonly consolidation: ConsolidationSettings | null;
}

/** One array for each trained matrix, under the matrix's name and in its order of values. */
export type Gradients = ReadonlyMap<string, Float32Array>;

export type NamedMatrices = ReadonlyMap<string, TrainedMatrix>;

/** Everything that a method remembers. `begin` with it goes on bit for bit. */
export interface MethodState {
  /** What changes with every step. */
  readonly running: NamedMatrices;
  /** What each finished stage or task left, oldest first. The list only grows, and no entry ever changes. */
  readonly finished: readonly NamedMatrices[];
}

export const nothingRemembered: MethodState = { running: new Map(), finished: [] };

export interface MethodContext {
  /** The adapter the run began with. */
  readonly initial: Adapter;
  /** LoRA matrices as the run's first ones were, which add nothing: always the same for a task, counted from 0. */
  freshAdapter(task: number): Adapter;
  /** The base's. */
  readonly embeddings: TokenEmbeddings;
  /** `null` where the method has no consolidation, or the config turns it off. */
  readonly consolidation: ConsolidationSettings | null;
  readonly remembered: MethodState;
}

/** Where the policy's adapter is more than what is trained. Each undoes the other within a task. */
export interface AdapterParts {
  trained(policy: Adapter): Adapter;
  policy(trained: Adapter): Adapter;
}

/** Log-probs of an effective batch under three policies. */
export interface ScoredBatch {
  /** As it is before the step. */
  readonly policy: RowLogProbs;
  readonly reference: RowLogProbs;
  /** As the task found it. */
  readonly taskStart: RowLogProbs;
}

/** A method that lets the rows of a preference step weigh differently. */
export interface RowWeighting {
  /** The objective with weights: it reads constants beside its own. */
  objective(unweighted: Objective): Objective;
  /** Those constants by name, one number for each row of the effective batch. */
  constants(batch: ScoredBatch): Readonly<Record<string, Float64Array>>;
}

/** Added to the loss. */
export interface Penalty {
  readonly value: number;
  /** d value / d matrix, for every trained matrix. */
  readonly gradients: Gradients;
}

export interface StageEnd {
  /** The adapter as the stage found it, and as training left it. */
  readonly before: Adapter;
  readonly after: Adapter;
  /** How many rows the stage trained on in each epoch, replayed ones among them. */
  readonly rows: number;
  /** The stage's loss of each of those rows by itself, differentiated at `after`: a gradient pass for each row. */
  rowGradients(): AsyncIterable<Gradients>;
}

export interface StageResult {
  /** The adapter that goes on to the next stage. */
  readonly adapter: Adapter;
  /** What consolidation did to each matrix, by tensor name. */
  readonly reports?: ReadonlyMap<string, MatrixReport>;
}

/**
 * A method at work in a run. Every hook may be left out. Within a step they come in the order weighting,
 * penalty, gradients; what the step then trains on is clipped and given to the optimizer.
 */
export interface MethodRun {
  /** Left out: `nothingRemembered`. What it returned before does not change. */
  state?(): MethodState;
  readonly parts?: AdapterParts;
  readonly weighting?: RowWeighting;
  /** The policy's adapter that a task, counted from 0, starts from. Left out: the latest. */
  startTask?(task: number, latest: Adapter): Adapter;
  /** `rows` are those of the step. */
  penalty?(trained: Adapter, rows: readonly EncodedRow[]): Penalty;
  /** Called once for each step; returns the gradients to take the step with. */
  gradients?(gradients: Gradients): Gradients;
  /**
   * Called when a stage has trained (a stage of 0 epochs has not). Left out: the adapter as trained. If it
   * throws, nothing is remembered of the call.
   */
  endStage?(stage: StageEnd): StageResult | Promise<StageResult>;
}

export interface Method {
  readonly name: string;
  /** One line for people choosing. */
  readonly description: string;
  readonly defaults: MethodDefaults;
  /** What a config may say under `method_settings`; every key has a default. */
  readonly settings: z.ZodObject;
  /** `at once`: the rows of all tasks are one task, which is trained where the stream's last one would be. */
  readonly tasks: 'in turn' | 'at once';
  /** Reads the reference policy's log-probs in the preference stage, whatever the objective does. */
  readonly readsReference: boolean;
  /**
   * What a run begins with, where that is a prompt pool; a config then has no `lora`. Left out: LoRA matrices.
   * @param settings checked by `settings`
   */
  createPool?(settings: unknown, embeddings: TokenEmbeddings, random: Random): PromptPool;
  /** @param settings checked by `settings` */
  begin(settings: unknown, context: MethodContext): MethodRun;
}

type MethodDefinition<Settings extends z.ZodObject> = Pick<Method, 'name' | 'description' | 'defaults'> &
  Partial<Pick<Method, 'tasks' | 'readsReference'>> & {
    readonly settings: Settings;
    createPool?(settings: z.output<Settings>, embeddings: TokenEmbeddings, random: Random): PromptPool;
    begin(settings: z.output<Settings>, context: MethodContext): MethodRun;
  };

export const noSettings = z.strictObject({});

/** A method whose hooks see its settings in their own type. */
export function defineMethod<Settings extends z.ZodObject>({
  createPool,
  ...definition
}: MethodDefinition<Settings>): Method {
  const parsed = (settings: unknown) => definition.settings.parse(settings);
  return {
    tasks: 'in turn',
    readsReference: false,
    ...definition,
    ...(createPool ? { createPool: (settings, ...rest) => createPool(parsed(settings), ...rest) } : {}),
    begin: (settings, context) => definition.begin(parsed(settings), context),
  };
}

/** What is trained of the policy's adapter. */
export function trainedPart({ parts }: MethodRun, policy: Adapter): Adapter {
  return parts?.trained(policy) ?? policy;
}

/** The policy's adapter, given what is trained of it. */
export function policyAdapter({ parts }: MethodRun, trained: Adapter): Adapter {
  return parts?.policy(trained) ?? trained;
}
