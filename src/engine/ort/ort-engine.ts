/** The embedded engine: graphs built here, run by ONNX Runtime on the CPU, without Python. */
import { availableParallelism } from 'node:os';
import { env } from 'onnxruntime-node';
import { type Adapter, isPromptPool } from '../../model/adapter.ts';
import { basePrecision } from '../../model/base-precision.ts';
import { decodingGraph, NarrowParameters } from '../../model/graph/decode.ts';
import type { Recompute } from '../../model/graph/decoder.ts';
import type { LayoutOptions } from '../../model/graph/layout.ts';
import { adapterShape, Parameters } from '../../model/graph/parameters.ts';
import type { ModelFolder } from '../../model/model-folder.ts';
import { sha256 } from '../../support/hash.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { EncodedRow } from '../../text/encoded-row.ts';
import type {
  Backward,
  Engine,
  Generated,
  GenerateOptions,
  GradientRequest,
  GradientResult,
  OpenGeneration,
  RowLogProbs,
  RunOptions,
} from '../engine.ts';
import { generateAnswers, planAnswers } from '../generation/generate.ts';
import { Generation } from '../generation/generation.ts';
import { openGeneration } from '../generation/open.ts';
import type { PackedBatch, Responses } from '../packing.ts';
import { checkLengths, emptyLogProbs, normaliser, storeLogProbs } from '../rows.ts';
import { checkSoftTokens } from '../soft-tokens.ts';
import { type BatchingDefaults, batchingDefaults, defaultLanes, recomputeFor } from './defaults.ts';
import { EmittedGraphs } from './emitted-graphs.ts';
import { adapterFeeds, BatchFeeds, objectiveFeeds } from './feeds.ts';
import { KeyValueCache, type Past } from './generation/key-value-cache.ts';
import { DecodingStep, type NewKeysAndValues } from './generation/step.ts';
import { gradientGraph, gradientName, scoringGraph } from './graphs.ts';
import { checkIntegerProducts } from './integer-products.ts';
import { IntegerWeights } from './integer-weights.ts';
import { Lanes, type Place } from './lanes.ts';
import { type MicroBatch, type MicroBatchOptions, microBatches } from './micro-batches.ts';
import type { Feeds, Outputs } from './open-session.ts';
import { ProfileFiles } from './profile/files.ts';
import { emitGraph } from './session.ts';
import { type GraphRequest, keyOf, type SessionRequest } from './session-pool.ts';

/** What is left out is decided by the model's size (defaults.ts). */
export interface OrtEngineOptions {
  /** All that the engine may use; 0 for as many as the machine has processors. */
  readonly threads?: number;
  /** Micro-batches at a time, each with its share of the threads. Left out: see defaults.ts. */
  readonly lanes?: number;
  /**
   * Most pairs in one micro-batch. Each number of pairs met is a graph of its own, so more pairs cost
   * seconds to start and memory; they pay where pairs are short or the model small.
   */
  readonly pairsPerBatch?: number;
  /** Packed tokens up to which pairs are put in one micro-batch. */
  readonly microBatchTokens?: number;
  /** What the backward pass computes again; `auto` decides by a batch's length. */
  readonly recompute?: Recompute | 'auto';
  /** Graphs share sessions where they can: one mapping of the weights, more to open again when a graph joins. */
  readonly sharedSessions?: boolean;
  /**
   * An existing folder for what the runtime measures of each graph's nodes, written when the engine is closed; all
   * work is then done in one lane. profile/ reads it.
   */
  readonly profileFolder?: string;
}

interface RunnableGraph extends Pick<GraphRequest, 'purpose' | 'kind' | 'variant'> {
  readonly outputs: () => Readonly<Record<string, Tensor>>;
}

/** Head pieces are of response positions; when gradients are made, all activations are alive beside a piece's logits. */
const plans = {
  score: { tiles: 1, headPieces: 8, pieceSize: 128, filled: true, recompute: 'nothing' },
  gradients: { tiles: 1, headPieces: 8, pieceSize: 64, filled: true },
  // One row, nearly always: what would fill it up would double the graph.
  longGradients: { tiles: 4, headPieces: 32, pieceSize: 64, filled: false },
} as const;

export class OrtEngine implements Engine {
  readonly identity: string;
  readonly precision = basePrecision('float32');
  readonly #model: ModelFolder;
  readonly #defaults: BatchingDefaults;
  readonly #options: Omit<OrtEngineOptions, 'profileFolder'> &
    BatchingDefaults &
    Required<Pick<OrtEngineOptions, 'recompute'>>;
  readonly #profiles: ProfileFiles | null;
  readonly #lanes: Lanes;
  readonly #graphs: EmittedGraphs;
  readonly #batchFeeds: BatchFeeds;
  readonly #integerWeights: IntegerWeights;

  constructor(model: ModelFolder, options: OrtEngineOptions = {}) {
    this.#model = model;
    this.#defaults = batchingDefaults(model.config);
    const threads = (options.threads ?? this.#defaults.threads) || availableParallelism();
    const { profileFolder, ...settings } = options;
    this.#profiles = profileFolder === undefined ? null : new ProfileFiles(profileFolder);
    this.#options = { ...this.#defaults, recompute: 'auto', ...settings, threads };
    // What is measured of a session is to be that of one graph.
    this.#lanes = new Lanes(threads, { shared: this.#options.sharedSessions && !this.#profiles });
    this.#graphs = new EmittedGraphs(model.weights, this.#profiles !== null);
    this.#batchFeeds = new BatchFeeds(model.config);
    this.#integerWeights = new IntegerWeights(model.config, model.weights);
    this.identity = identityOf(model, this.precision);
  }

  async score(
    rows: readonly EncodedRow[],
    adapter: Adapter | null,
    options: RunOptions = {},
  ): Promise<RowLogProbs> {
    this.#checkRows(rows, adapter);
    const result = emptyLogProbs(rows.length);
    const kind = adapterKey(adapter);
    const shape = adapter && adapterShape(adapter);
    const adapterValues = adapterFeeds(adapter);
    const lanes = this.#laneCount('float32');
    await this.#lanes.run({
      lanes,
      // Nothing shared between rows: what a row's neighbours are must leave no trace in what is cached of it.
      jobs: this.#microBatches(rows, 'pair', { sharePrefix: false, lanes, planOf: () => plans.score }),
      isAlone: () => false,
      signal: options.signal,
      work: ({ batch }, place) => {
        const outputs = () => scoringGraph(this.#model.config, layoutOf(batch), shape);
        const request = { purpose: 'score', kind, variant: layoutKey(batch), outputs } as const;
        return this.#run(request, place, { ...this.#batchFeeds.of(batch), ...adapterValues });
      },
      take: (outputs, { indices, unsharedTokenCount }) => {
        storeLogProbs(result, indices, outputs['logps']!, 'pair');
        options.onProgress?.(unsharedTokenCount);
      },
    });
    return result;
  }

  async checkBackward(backward: Backward): Promise<void> {
    if (backward === 'int8') await checkIntegerProducts();
  }

  async gradients(request: GradientRequest, options: RunOptions = {}): Promise<GradientResult> {
    const { rows, adapter, objective, backward = 'float32' } = request;
    const { responses } = objective;
    await this.checkBackward(backward);
    this.#checkRows(rows, adapter);
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
    await this.#lanes.begin(kind);
    const lanes = this.#laneCount(backward);
    const jobs = this.#microBatches(rows, responses, {
      ...{ sharePrefix: true, lanes },
      planOf: (tokens) => {
        const recompute = this.#recomputeFor(tokens);
        return { ...plans[recompute === 'layers' ? 'longGradients' : 'gradients'], recompute };
      },
    });
    // Long batches are rare and their memory is much: they run alone, and it is given back after each.
    const isLong = ({ recompute }: MicroBatch) => recompute === 'layers';
    const graphOf = ({ batch, recompute }: MicroBatch): RunnableGraph => {
      const graph = { recompute, backward };
      const outputs = () =>
        gradientGraph(this.#model.config, layoutOf(batch), adapterShape(adapter), objective, graph);
      return { purpose: 'gradients', kind, variant: `${layoutKey(batch)}|${recompute}`, outputs };
    };
    await this.#lanes.run({
      lanes,
      jobs,
      isAlone: isLong,
      signal: options.signal,
      work: (job, place) => {
        const { indices, batch } = job;
        const siblings = jobs.filter((other) => lanes === 1 || isLong(other) === isLong(job)).map(graphOf);
        const feeds = {
          ...this.#batchFeeds.of(batch),
          ...fixedFeeds,
          ...objectiveFeeds(request, indices, { weight, pairs: batch.pairs }),
        };
        return this.#run(graphOf(job), place, feeds, { siblings, shrink: isLong(job) });
      },
      take: (outputs, { indices, unsharedTokenCount }) => {
        loss += outputs['loss']![0]!;
        storeLogProbs(logps, indices, outputs['logps']!, responses);
        for (const [name, total] of sums) addTo(total, outputs[gradientName(name)]!);
        options.onProgress?.(unsharedTokenCount);
      },
    });
    const gradients = new Map(sums.map(([name, total]) => [name, Float32Array.from(total)]));
    return { loss, logps, gradients };
  }

  async generate(
    prompts: readonly Int32Array[],
    adapter: Adapter | null,
    options: GenerateOptions,
  ): Promise<readonly Generated[]> {
    this.#checkPrompts(prompts, adapter);
    const { answers, slots } = planAnswers(prompts, this.#model.config, options);
    if (answers.length === 0) return [];
    const signals = [this.#lanes.here.pool.closing, ...(options.signal ? [options.signal] : [])];
    return this.#withGeneration(adapter, slots, (generation) =>
      generateAnswers(answers, generation, signals),
    );
  }

  openGeneration(adapter: Adapter | null, options: Pick<GenerateOptions, 'batchSize'> = {}): OpenGeneration {
    return openGeneration(adapter, options, {
      config: this.#model.config,
      closing: this.#lanes.here.pool.closing,
      lend: (...asked) => this.#withGeneration(...asked),
    });
  }

  /** Works with an empty batch of so many slots. */
  #withGeneration<T>(
    adapter: Adapter | null,
    slots: number,
    work: (generation: Generation<Past, NewKeysAndValues>) => Promise<T>,
  ): Promise<T> {
    const { config } = this.#model;
    const shape = adapter && adapterShape(adapter);
    const kind = adapterKey(adapter);
    const variant = slots === 1 ? 'one' : 'several';
    const outputs = () =>
      decodingGraph(config, slots === 1 ? new Parameters(shape) : new NarrowParameters(shape));
    const { pool, threads } = this.#lanes.here;
    const request = this.#request({ purpose: 'generate', kind, variant, outputs }, threads);
    return pool.use(request, (runner) => {
      const step = new DecodingStep(runner, config, adapter);
      return work(new Generation(step, new KeyValueCache(config), slots));
    });
  }

  close(): Promise<void> {
    return this.#lanes.close();
  }

  #checkRows(rows: readonly EncodedRow[], adapter: Adapter | null): void {
    this.#checkPrompts(
      rows.map(({ prompt }) => prompt),
      adapter,
    );
  }

  #checkPrompts(prompts: readonly Int32Array[], adapter: Adapter | null): void {
    checkSoftTokens(prompts, adapter, this.#model.config.vocabularySize);
  }

  /** Runs a graph once, with a session that is opened when first needed. */
  #run(
    graph: RunnableGraph,
    { pool, threads }: Place,
    feeds: Feeds,
    { siblings = [], shrink = false }: { siblings?: readonly RunnableGraph[]; shrink?: boolean } = {},
  ): Promise<Outputs> {
    const request = {
      ...this.#request(graph, threads),
      ...{ siblings: siblings.map((one) => this.#emitted(one)), shrink },
    };
    return pool.use(request, (runner) => runner.run(feeds));
  }

  #request(graph: RunnableGraph, threads: number): SessionRequest {
    const emitted = this.#emitted(graph);
    const profile = this.#profiles?.optionFor(keyOf(graph), emitted.graph);
    return { ...emitted, options: { threads, ...profile } };
  }

  #emitted(graph: RunnableGraph): GraphRequest {
    const { purpose, kind, variant, outputs } = graph;
    return { purpose, kind, variant, graph: () => this.#graphs.of(keyOf(graph), outputs) };
  }

  #microBatches(
    rows: readonly EncodedRow[],
    responses: Responses,
    shares: Pick<MicroBatchOptions, 'sharePrefix' | 'lanes' | 'planOf'>,
  ): readonly MicroBatch[] {
    checkLengths(rows, responses, this.#model.config);
    const { pairsPerBatch, microBatchTokens } = this.#options;
    return microBatches(rows, { pairsPerBatch, microBatchTokens, ...shares, responses });
  }

  #laneCount(backward: Backward): number {
    if (this.#profiles) return 1;
    const { threads, lanes = defaultLanes(threads, backward) } = this.#options;
    return Math.min(threads, lanes);
  }

  #recomputeFor(tokens: number): Recompute {
    const { recompute } = this.#options;
    return recompute === 'auto' ? recomputeFor(tokens, this.#defaults) : recompute;
  }
}

/**
 * Weights, configuration and precision, and the program that turns them into numbers: the emitted graph
 * and the runtime's version. A change of any of them must not find another's cached log-probs.
 */
function identityOf(model: ModelFolder, precision: string): string {
  const layout = { pairs: 1, responses: 'pair', headPieces: plans.score.headPieces } as const;
  const { bytes: graph } = emitGraph(scoringGraph(model.config, layout, null), model.weights);
  return `ort:${sha256([model.identity, precision, env.versions.node ?? env.versions.common, graph])}`;
}

function layoutOf({ pairs, responses, sharedPrefix, tiles, headSizes }: PackedBatch): LayoutOptions {
  return { pairs, responses, sharedPrefix, tiles, headPieces: headSizes.length };
}

/** Names a layout among those of one purpose. */
function layoutKey({ pairs, sharedPrefix, tiles, headSizes }: PackedBatch): string {
  return `${pairs}${sharedPrefix ? ' with prefix' : ''}, ${tiles} tiles, ${headSizes.length} head pieces`;
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
