/**
 * Pretraining: the engine's graphs with every base tensor trained, for making a small model from scratch.
 * Documents are token lists; the loss is over all their tokens but the first. Optimizer and data are the
 * caller's, as for adapters.
 */
import type { DecoderConfig } from '../../model/config.ts';
import { expectedTensors } from '../../model/weights/expected-tensors.ts';
import { createObjective } from '../../objective/index.ts';
import type { EncodedRow } from '../../text/encoded-row.ts';
import type { RunOptions } from '../engine.ts';
import { packBatch } from '../packing.ts';
import { BatchFeeds, objectiveFeeds } from './feeds.ts';
import { gradientGraph, gradientName, scoringGraph } from './graphs.ts';
import { type Feeds, openSession } from './open-session.ts';
import { emitGraph } from './session.ts';
import { SessionPool, type SessionRequest } from './session-pool.ts';

/** Every weight of the model by Hugging Face's names, row-major. */
export type ModelTensors = ReadonlyMap<string, Float32Array>;

export interface PretrainerOptions {
  readonly threads?: number;
  /** Documents computed together. Each number met is a graph of its own, so multiples of it are best. */
  readonly documentsPerBatch?: number;
}

export interface PretrainResult {
  /** Mean negative log-prob per token, nats. */
  readonly loss: number;
  /** d loss / d tensor, same keys as the values. */
  readonly gradients: ModelTensors;
}

/**
 * For models of a million parameters: their operations are too small to be shared out. 1.2 M parameters,
 * documents of 50 tokens, tokens per second of processor time (2 cores): 7,600 with one thread, 3,700 with
 * each of two, which wait for each other; 7,100 with 8 documents at a time, 8,100 with 64.
 */
const defaults: Required<PretrainerOptions> = { threads: 1, documentsPerBatch: 16 };

const headPieces = 4;
const pieceSize = 256;
const objective = createObjective({ name: 'sft' });

export class Pretrainer {
  readonly #config: DecoderConfig;
  readonly #options: Required<PretrainerOptions>;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #sessions = new SessionPool(openSession);
  readonly #batchFeeds: BatchFeeds;

  constructor(config: DecoderConfig, options: PretrainerOptions = {}) {
    this.#config = config;
    this.#options = { ...defaults, ...options };
    this.#shapes = expectedTensors(config);
    this.#batchFeeds = new BatchFeeds(config);
  }

  /** Mean negative log-prob per token over documents of at least two tokens each, nats. */
  async loss(documents: readonly Int32Array[], values: ModelTensors): Promise<number> {
    const weights = this.#feeds(values);
    let total = 0;
    for (const rows of this.#microBatches(documents)) {
      const { logps } = await this.#run('score', rows.length, { ...this.#batch(rows), ...weights });
      for (const logp of logps!) total -= logp;
    }
    return total / targetCount(documents);
  }

  async gradients(
    documents: readonly Int32Array[],
    values: ModelTensors,
    { signal, onProgress }: RunOptions = {},
  ): Promise<PretrainResult> {
    const weights = this.#feeds(values);
    const weight = 1 / targetCount(documents);
    const sums = new Map(Array.from(values, ([name, { length }]) => [name, new Float32Array(length)]));
    let loss = 0;
    for (const rows of this.#microBatches(documents)) {
      signal?.throwIfAborted();
      const request = { rows, objective, constants: {} };
      const outputs = await this.#run('gradients', rows.length, {
        ...this.#batch(rows),
        ...weights,
        ...objectiveFeeds(request, [...rows.keys()], { weight, pairs: rows.length }),
      });
      loss += outputs['loss']![0]!;
      for (const [name, sum] of sums) addTo(sum, outputs[gradientName(name)]!);
      onProgress?.(rows.reduce((count, row) => count + row.prompt.length + row.chosen.length, 0));
    }
    return { loss, gradients: sums };
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  #run(purpose: SessionRequest['purpose'], documents: number, feeds: Feeds) {
    const layout = { pairs: documents, responses: 'chosen', headPieces } as const;
    const trained = new Set(this.#shapes.keys());
    const outputs = () =>
      purpose === 'score'
        ? scoringGraph(this.#config, layout, null, trained)
        : gradientGraph(this.#config, layout, null, objective, { recompute: 'nothing', trained });
    const graph = () => emitGraph(outputs(), new Map());
    const options = { threads: this.#options.threads };
    const request = { purpose, kind: 'documents', variant: `${documents}`, graph, options };
    return this.#sessions.use(request, (runner) => runner.run(feeds));
  }

  #batch(rows: readonly EncodedRow[]): Feeds {
    return this.#batchFeeds.of(packBatch(rows, 'chosen', { headPieces, pieceSize }));
  }

  #feeds(values: ModelTensors): Feeds {
    return Object.fromEntries(
      Array.from(this.#shapes, ([name, shape]) => {
        const data = values.get(name);
        if (!data) throw new Error(`no value of the tensor "${name}"`);
        return [name, { data, shape }];
      }),
    );
  }

  /** Documents as rows whose prompt is the first token, so that the loss is over all others. */
  *#microBatches(documents: readonly Int32Array[]): Generator<readonly EncodedRow[]> {
    const size = this.#options.documentsPerBatch;
    for (let start = 0; start < documents.length; start += size) {
      yield documents.slice(start, start + size).map((document) => ({
        prompt: document.subarray(0, 1),
        chosen: document.subarray(1),
        rejected: document.subarray(0, 0),
      }));
    }
  }
}

function targetCount(documents: readonly Int32Array[]): number {
  return documents.reduce((count, document) => count + document.length - 1, 0);
}

function addTo(total: Float32Array, values: Float32Array): void {
  for (let i = 0; i < total.length; i++) total[i]! += values[i]!;
}
