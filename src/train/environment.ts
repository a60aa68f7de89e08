/**
 * What a run is given besides its config: the model's two sides (engine and text), where to write, and
 * whom to tell. The command line assembles it from a model folder, tests from small deterministic parts.
 */
import type { PreferenceRow } from '../data/row.ts';
import type { Engine } from '../engine/engine.ts';
import type { Adapter, LoraAdapter, LoraSettings } from '../model/adapter.ts';
import type { TokenEmbeddings } from '../model/token-embeddings.ts';
import type { ProgressFactory } from '../support/progress.ts';
import type { Random } from '../support/random.ts';
import type { EncodedRows, EncodeRowsOptions } from '../text/segments.ts';
import type { StageName } from './config/schema.ts';
import type { ReportTarget } from './tensorboard/report-target.ts';

/** Tokenizer and chat template of the base. */
export interface TextSide {
  /** Hashes over everything that decides the token ids. */
  readonly identity: { readonly tokenizer: string; readonly template: string };
  /** The longest sequence the base takes, in tokens. */
  readonly maxPositions: number;
  /** That end an answer. */
  readonly endTokens: readonly number[];
  encodeRows(rows: readonly PreferenceRow[], options: EncodeRowsOptions): EncodedRows;
}

export interface AnswerOptions {
  readonly maxNewTokens: number;
  /** Told of new tokens. */
  readonly onProgress?: (tokens: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The adapter as a stage found it, and as training left it. */
export interface TrainedStage {
  readonly name: StageName;
  readonly before: Adapter;
  readonly after: Adapter;
}

export interface RunEnvironment {
  /** Takes adapters of any kind (`withPromptPools`). */
  readonly engine: Engine;
  readonly text: TextSide;
  /** The base's. */
  readonly embeddings: TokenEmbeddings;
  /**
   * Greedy answers to encoded prompts under the base (`null`) or the base with an adapter, as text. Runs
   * whose tasks have judges need it; the others give no sample answers without it.
   */
  answer?(
    prompts: readonly Int32Array[],
    adapter: Adapter | null,
    options: AnswerOptions,
  ): Promise<readonly string[]>;
  /** A fresh adapter of the base, which adds nothing. @throws {UserError} for targets that match no module. */
  createAdapter(settings: LoraSettings, random: Random): LoraAdapter;
  /** @throws {UserError} naming the module if the adapter does not fit the base; `source` is its folder. */
  checkAdapter(adapter: Adapter, source: string): void;
  /** Where the config was read, for messages. */
  readonly configFile?: string;
  /** Where results and checkpoints go. */
  readonly outputFolder: string;
  /** Continue the run that the output folder holds. */
  readonly resume?: boolean;
  /** Where reference log-probs are kept between runs; left out: the user's cache folder. */
  readonly cacheFolder?: string;
  /** Aborting it saves a checkpoint, then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly progress?: ProgressFactory;
  /**
   * Told of every stage that has trained, before what it changed is consolidated; a run that is broken off soon after
   * tells of the same stage again, with the same adapters.
   */
  readonly onStageTrained?: (stage: TrainedStage) => Promise<void>;
  /** Takes one line for people. */
  readonly log?: (line: string) => void;
  /** Where else to tell what is measured; steps.jsonl is written in any case. */
  readonly reportTo?: readonly ReportTarget[];
  /** Recorded with the results, for example the runtime's version. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Seconds between two checkpoints within a stage; it changes no result. */
  readonly checkpointSeconds?: number;
}
