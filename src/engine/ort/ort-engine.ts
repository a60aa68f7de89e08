/** The embedded engine: graphs built here, run by ONNX Runtime on the CPU, without Python. */
import { env } from 'onnxruntime-node';
import { type Adapter, isPromptPool } from '../../model/adapter.ts';
import { decodingGraph, NarrowParameters } from '../../model/graph/decode.ts';
import type { Recompute } from '../../model/graph/decoder.ts';
import { adapterShape, Parameters } from '../../model/graph/parameters.ts';
import type { ModelFolder } from '../../model/model-folder.ts';
import { UserError } from '../../support/errors.ts';
import { sha256 } from '../../support/hash.ts';
import type { EncodedRow } from '../../text/encoded-row.ts';
import type {
  Backward,
  Engine,
  Generated,
  GenerateOptions,
  GradientRequest,
  GradientResult,
  RowLogProbs,
  RunOptions,
} from '../engine.ts';
import { type PackedBatch, packBatch, packedLength } from '../packing.ts';
import { checkSoftTokens } from '../soft-tokens.ts';
import { type BatchingDefaults, batchingDefaults, recomputeFor } from './defaults.ts';
import { adapterFeeds, BatchFeeds, objectiveFeeds } from './feeds.ts';
import { generateAnswers, planAnswers } from './generation/generate.ts';
import { Generation } from './generation/generation.ts';
import { KeyValueCache } from './generation/key-value-cache.ts';
import { DecodingStep } from './generation/step.ts';
import { gradientGraph, gradientName, scoringGraph } from './graphs.ts';
import { checkIntegerProducts } from './integer-products.ts';
import { IntegerWeights } from './integer-weights.ts';
import { graphBytes } from './session.ts';
import { SessionPool } from './session-pool.ts';

/** What is left out is decided by the model's size (defaults.ts). */
export interface OrtEngineOptions {
  /** Threads within an operation; 0 leaves the choice to the runtime. */
  readonly threads?: number;
  /**
   * Most pairs in one micro-batch. Each number of pairs met is a graph of its own, so more pairs cost
   * seconds to start and memory; they pay where pairs are short or the model small.
   */
  readonly pairsPerBatch?: number;
  /** Packed tokens up to which pairs are put in one micro-batch. */
  readonly microBatchTokens?: number;
  /** What the backward pass computes again; `auto` decides by a batch's length. */
  readonly recompute?: Recompute | 'auto';
}

type Responses = 'chosen' | 'pair';

const headPieces = 8;
const pieceSize = 256;

export class OrtEngine implements Engine {
  readonly identity: string;
  readonly #model: ModelFolder;
  readonly #defaults: BatchingDefaults;
  readonly #options: Required<OrtEngineOptions>;
  readonly #sessions: SessionPool;
  readonly #batchFeeds: BatchFeeds;
  readonly #integerWeights: IntegerWeights;

  constructor(model: ModelFolder, options: OrtEngineOptions = {}) {
    this.#model = model;
    this.#defaults = batchingDefaults(model.config);
    this.#options = { ...this.#defaults, recompute: 'auto', ...options };
    this.#sessions = new SessionPool(model.weights);
    this.#batchFeeds = new BatchFeeds(model.config);
    this.#integerWeights = new IntegerWeights(model.config, model.weights);
    this.identity = identityOf(model);
  }

  async score(
    rows: readonly EncodedRow[],
    adapter: Adapter | null,
    options: RunOptions = {},
  ): Promise<RowLogProbs> {
    this.#checkPrompts(rows, adapter);
    const result = emptyLogProbs(rows.length);
    const kind = adapterKey(adapter);
    const shape = adapter && adapterShape(adapter);
    const adapterValues = adapterFeeds(adapter);
    for (const indices of this.#microBatches(rows, 'pair')) {
      options.signal?.throwIfAborted();
      const batch = pack(rows, indices, 'pair');
      const graph = () => scoringGraph(this.#model.config, layoutOf(batch), shape);
      const variant = `${batch.pairs}`;
      const { logps } = await this.#sessions.use(
        { purpose: 'score', kind, variant, graph, options: this.#sessionOptions() },
        (session) => session.run({ ...this.#batchFeeds.of(batch), ...adapterValues }),
      );
      storeLogProbs(result, indices, logps as Float32Array, 'pair');
      options.onProgress?.(batch.unsharedTokenCount);
    }
    return result;
  }

  async checkBackward(backward: Backward): Promise<void> {
    if (backward === 'int8') await checkIntegerProducts();
  }

  async gradients(request: GradientRequest, options: RunOptions = {}): Promise<GradientResult> {
    const { rows, adapter, objective, backward = 'float32' } = request;
    const { responses } = objective;
    await this.checkBackward(backward);
    this.#checkPrompts(rows, adapter);
    const logps = emptyLogProbs(rows.length);
    const sums = [...adapter.tensors].map(
      ([name, { data }]) => [name, new Float64Array(data.length)] as const,
    );
    const weight = 1 / normaliser(request);
    const fixedFeeds = {
      ...adapterFeeds(adapter),
      ...(backward === 'int8' ? this.#integerWeights.feeds : {}),
    };
    let loss = 0;
    const kind = `${objective.key}|${adapterKey(adapter)}|${backward}`;
    await this.#sessions.begin(kind);
    for (const indices of this.#microBatches(rows, responses)) {
      options.signal?.throwIfAborted();
      const batch = pack(rows, indices, responses);
      const recompute = this.#recomputeFor(batch);
      const graph = () =>
        gradientGraph(this.#model.config, layoutOf(batch), adapterShape(adapter), objective, {
          recompute,
          backward,
        });
      const variant = `${batch.pairs}|${recompute}`;
      // Long batches are rare and their memory is much: it is given back after each.
      const sessionOptions = this.#sessionOptions(recompute === 'layers');
      const feeds = {
        ...this.#batchFeeds.of(batch),
        ...fixedFeeds,
        ...objectiveFeeds(request, indices, weight),
      };
      const outputs = await this.#sessions.use(
        { purpose: 'gradients', kind, variant, graph, options: sessionOptions },
        (session) => session.run(feeds),
      );
      loss += outputs['loss']![0]!;
      storeLogProbs(logps, indices, outputs['logps']!, responses);
      for (const [name, total] of sums) addTo(total, outputs[gradientName(name)]!);
      options.onProgress?.(batch.unsharedTokenCount);
    }
    const gradients = new Map(sums.map(([name, total]) => [name, Float32Array.from(total)]));
    return { loss, logps, gradients };
  }

  async generate(
    prompts: readonly Int32Array[],
    adapter: Adapter | null,
    options: GenerateOptions,
  ): Promise<readonly Generated[]> {
    const { config } = this.#model;
    checkSoftTokens(prompts, adapter, config.vocabularySize);
    const { answers, slots } = planAnswers(prompts, config, options);
    if (answers.length === 0) return [];
    const shape = adapter && adapterShape(adapter);
    const graph = () =>
      decodingGraph(config, slots === 1 ? new Parameters(shape) : new NarrowParameters(shape));
    const variant = slots === 1 ? 'one' : 'several';
    const signals = [this.#sessions.closing, ...(options.signal ? [options.signal] : [])];
    return this.#sessions.use(
      { purpose: 'generate', kind: adapterKey(adapter), variant, graph, options: this.#sessionOptions() },
      (session) => {
        const step = new DecodingStep(session, config, adapter);
        const generation = new Generation(step, new KeyValueCache(config), slots);
        return generateAnswers(answers, generation, signals);
      },
    );
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  #checkPrompts(rows: readonly EncodedRow[], adapter: Adapter | null): void {
    const prompts = rows.map(({ prompt }) => prompt);
    checkSoftTokens(prompts, adapter, this.#model.config.vocabularySize);
  }

  /** Consecutive rows, as many as fit: the order is the caller's, so results are reproducible. */
  #microBatches(rows: readonly EncodedRow[], responses: Responses): number[][] {
    const { pairsPerBatch, microBatchTokens } = this.#options;
    const batches: number[][] = [];
    let filled = 0;
    rows.forEach((row, index) => {
      this.#checkLength(row, responses);
      const length = packedLength(row, responses);
      const current = batches.at(-1);
      if (current && current.length < pairsPerBatch && filled + length <= microBatchTokens) {
        current.push(index);
        filled += length;
      } else {
        batches.push([index]);
        filled = length;
      }
    });
    return batches;
  }

  /** Beyond its positions a model computes something, but nothing it was trained for. */
  #checkLength({ prompt, chosen, rejected }: EncodedRow, responses: Responses): void {
    const response = Math.max(chosen.length, responses === 'pair' ? rejected.length : 0);
    const { maxPositions } = this.#model.config;
    if (prompt.length + response <= maxPositions) return;
    throw new UserError(
      `a sequence of ${prompt.length + response} tokens is longer than the model's ${maxPositions} positions`,
    );
  }

  #recomputeFor(batch: PackedBatch): Recompute {
    const { recompute } = this.#options;
    return recompute === 'auto' ? recomputeFor(batch.tokenCount, this.#defaults) : recompute;
  }

  #sessionOptions(shrink = false) {
    return { threads: this.#options.threads, shrink };
  }
}

/**
 * Weights, configuration and precision, and the program that turns them into numbers: the emitted graph
 * and the runtime's version. A change of any of them must not find another's cached log-probs.
 */
function identityOf(model: ModelFolder): string {
  const layout = { pairs: 1, responses: 'pair', headPieces } as const;
  const graph = graphBytes(scoringGraph(model.config, layout, null), model.weights);
  return `ort:${sha256([model.identity, 'float32', env.versions.node ?? env.versions.common, graph])}`;
}

function pack(rows: readonly EncodedRow[], indices: readonly number[], responses: Responses): PackedBatch {
  const members = indices.map((index) => rows[index]!);
  return packBatch(members, responses, headPieces, pieceSize);
}

function layoutOf({ pairs, responses }: PackedBatch) {
  return { pairs, responses, headPieces };
}

function emptyLogProbs(rows: number): RowLogProbs {
  return { chosen: new Float64Array(rows), rejected: new Float64Array(rows) };
}

function storeLogProbs(
  target: RowLogProbs,
  indices: readonly number[],
  logps: Float32Array,
  responses: Responses,
): void {
  const width = responses === 'pair' ? 2 : 1;
  indices.forEach((index, at) => {
    target.chosen[index] = logps[at * width]!;
    if (responses === 'pair') target.rejected[index] = logps[at * width + 1]!;
  });
}

function normaliser({ rows, objective }: GradientRequest): number {
  return objective.normalizer === 'rows'
    ? rows.length
    : rows.reduce((total, row) => total + row.chosen.length, 0);
}

/** Graphs depend on an adapter's shapes and scaling, not on its values. */
function adapterKey(adapter: Adapter | null): string {
  if (!adapter) return 'base';
  const shapes = Array.from(adapter.tensors, ([name, { shape }]) => [name, ...shape]);
  return JSON.stringify([isPromptPool(adapter) ? null : adapter.settings.alpha, shapes]);
}

function addTo(total: Float64Array, values: Float32Array): void {
  for (let i = 0; i < total.length; i++) total[i]! += values[i]!;
}
