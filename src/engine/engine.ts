/**
 * The engine's narrow interface: values of the trainable tensors and encoded rows go in; losses,
 * log-probabilities, gradients and answers come out. Everything that learns (optimizer, methods, memory) lives
 * above it and is written once for all engines.
 *
 * Soft prompts: where the adapter has some, every prompt begins with token ids beyond the vocabulary; the id
 * `vocabularySize + i` stands for row i of the adapter's `SOFT_PROMPTS`, which is seen where other tokens have their
 * embedding. `withPromptPools` (prompted-engine.ts) puts them there.
 */
import type { Adapter } from '../model/adapter.ts';
import type { Backward } from '../model/graph/parameters.ts';
import type { Objective } from '../objective/objective.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { SamplingSettings } from './sampling.ts';

export type { Backward } from '../model/graph/parameters.ts';

/** Sums of the response tokens' log-probabilities, natural log, one pair of numbers per row. */
export interface RowLogProbs {
  readonly chosen: Float64Array;
  readonly rejected: Float64Array;
}

export interface RunOptions {
  /** Called after each micro-batch with the tokens it covered, a shared prompt counted twice. */
  readonly onProgress?: (tokens: number) => void;
  /** Checked between micro-batches; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface GradientRequest {
  /** The effective batch; the engine cuts it into micro-batches as memory allows. */
  readonly rows: readonly EncodedRow[];
  readonly adapter: Adapter;
  readonly objective: Objective;
  /**
   * In what numbers cotangents go back through the base's frozen linear layers: `float32`, the default, or
   * `int8`, which is faster where the processor multiplies such integers and changes gradients a little. Loss
   * and log-probs are the same.
   */
  readonly backward?: Backward;
  /** Per-row constants the objective names (reference log-probs, row weights), each of rows' length. */
  readonly constants: Readonly<Record<string, Float64Array>>;
}

export interface GradientResult {
  /** The objective's value over the effective batch, normalised as the objective says. */
  readonly loss: number;
  /** Policy log-probs; `rejected` is all zeros for an objective that reads chosen responses only. */
  readonly logps: RowLogProbs;
  /** d loss / d tensor for every tensor of the adapter, same keys, row-major. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Greedy unless a temperature is given. */
export interface GenerateOptions extends RunOptions, SamplingSettings {
  /** The most tokens of an answer; fewer where the model has no more positions. */
  readonly maxNewTokens: number;
  /** Tokens that end an answer. */
  readonly stopTokens: readonly number[];
  /**
   * What an answer draws is decided by the seed, its prompt's key and its number among the samples: which
   * others are made along with it plays no part. 0 by default.
   */
  readonly seed?: number;
  /**
   * For every prompt what names it, such as its row's number in a file. Left out, a prompt is named by its
   * tokens and by how many equal ones stand before it, so that its place in the list decides nothing.
   */
  readonly keys?: readonly string[];
  /** Answers to each prompt, 1 by default. */
  readonly samples?: number;
  /** Most answers in work at a time; where one ends, the next begins. */
  readonly batchSize?: number;
  /**
   * Called with every new token as it is made; answers that are made together take turns.
   * @param answer its place in what `generate` returns
   * @returns true to end the answer with this token (stop strings are the caller's, who has a tokenizer)
   */
  readonly onToken?: (answer: number, token: number) => boolean;
}

export interface Generated {
  /** All new tokens, the one that ended the answer included. */
  readonly tokens: Int32Array;
  /** `stop`: a stop token, or `onToken` said so; `length`: there was no room for more. */
  readonly finishReason: 'stop' | 'length';
}

/** One batch that goes on: what is asked for while answers are in the making joins them between two tokens. */
export interface OpenGeneration {
  /**
   * As `Engine.generate`; each call has its own settings, and all share the slots. A call that fails, or whose
   * signal aborts, gives its slots back and leaves the others alone.
   */
  generate(prompts: readonly Int32Array[], options: OpenGenerateOptions): Promise<readonly Generated[]>;
  /** What is in work rejects; the memory of its keys and values is given back. */
  close(): Promise<void>;
}

export type OpenGenerateOptions = Omit<GenerateOptions, 'batchSize'>;

export interface Engine {
  /**
   * A hash over everything that decides the base model's log-probs except the row itself: weights,
   * configuration, numeric precision. Caches of reference log-probs are keyed by it.
   */
  readonly identity: string;
  /** In what numbers the base's weights are held, as `basePrecision` (model/base-precision.ts) writes it. */
  readonly precision: string;
  /** Log-probs of both responses of every row, under the base (`null`) or the base with an adapter. */
  score(rows: readonly EncodedRow[], adapter: Adapter | null, options?: RunOptions): Promise<RowLogProbs>;
  /** @throws {UserError} for a backward pass that this engine, or this processor, does not have. */
  checkBackward(backward: Backward): Promise<void>;
  /** @throws {UserError} as `checkBackward`. */
  gradients(request: GradientRequest, options?: RunOptions): Promise<GradientResult>;
  /**
   * Answers to prompts of token ids, in the prompts' order, all samples of one after another.
   * `onProgress` is told of new tokens.
   * @throws {UserError} before anything is generated, for a prompt that leaves the model no position or a
   *   setting out of its range; later, where keys and values need more memory than there is
   */
  generate(
    prompts: readonly Int32Array[],
    adapter: Adapter | null,
    options: GenerateOptions,
  ): Promise<readonly Generated[]>;
  /**
   * Opens a batch under one policy, to be closed by the caller.
   * @throws {UserError} for a batch size out of its range
   */
  openGeneration(adapter: Adapter | null, options?: Pick<GenerateOptions, 'batchSize'>): OpenGeneration;
  /** What it has done since it was opened, in its own terms, where it counts. */
  counters?(): Promise<Readonly<Record<string, number | string>>>;
  /** Gives back what the engine holds. What `generate` has in work rejects; the engine is of no use after. */
  close(): Promise<void>;
}
