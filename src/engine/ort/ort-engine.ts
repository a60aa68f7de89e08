/** The embedded engine: graphs built here, run by ONNX Runtime on the CPU, without Python. */
import type { Adapter } from '../../model/adapter.ts';
import type { Recompute } from '../../model/graph/decoder.ts';
import { adapterShape } from '../../model/graph/parameters.ts';
import { rotaryTableValues } from '../../model/graph/rope.ts';
import type { ModelFolder } from '../../model/model-folder.ts';
import type { EncodedRow } from '../../text/encoded-row.ts';
import type { Engine, GradientRequest, GradientResult, RowLogProbs, RunOptions } from '../engine.ts';
import { type PackedBatch, packBatch, packedLength } from '../packing.ts';
import { constantName, gradientGraph, gradientName, scoringGraph } from './graphs.ts';
import { createSession, type Feed, type OrtSession } from './session.ts';

export interface OrtEngineOptions {
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
  readonly #options: Required<OrtEngineOptions>;
  readonly #sessions = new Map<string, Promise<OrtSession>>();
  #rotary: { positions: number; cosines: Float32Array; sines: Float32Array } | null = null;

  constructor(model: ModelFolder, options: OrtEngineOptions = {}) {
    this.#model = model;
    this.#options = { threads: 0, pairsPerBatch: 1, microBatchTokens: 512, recompute: 'auto', ...options };
    this.identity = `${model.identity}:float32`;
  }

  async score(
    rows: readonly EncodedRow[],
    adapter: Adapter | null,
    options: RunOptions = {},
  ): Promise<RowLogProbs> {
    const result = emptyLogProbs(rows.length);
    const shape = adapter && adapterShape(adapter);
    for (const indices of this.#microBatches(rows, 'pair')) {
      options.signal?.throwIfAborted();
      const batch = this.#pack(
        indices.map((index) => rows[index] as EncodedRow),
        'pair',
      );
      const session = await this.#session(`score|${batch.pairs}|${adapterKey(adapter)}`, () =>
        scoringGraph(this.#model.config, this.#layout(batch), shape),
      );
      const { logps } = await session.run({ ...this.#batchFeeds(batch), ...adapterFeeds(adapter) });
      storeLogProbs(result, indices, logps as Float32Array, 'pair');
      options.onProgress?.(batch.unsharedTokenCount);
    }
    return result;
  }

  async gradients(request: GradientRequest, options: RunOptions = {}): Promise<GradientResult> {
    const { rows, adapter, objective, constants } = request;
    const { responses } = objective;
    const weight = 1 / normaliser(request);
    const logps = emptyLogProbs(rows.length);
    const sums = new Map(
      [...adapter.tensors].map(([name, { data }]) => [name, new Float64Array(data.length)]),
    );
    let loss = 0;
    const kind = `gradient|${objective.key}|${adapterKey(adapter)}|`;
    await this.#releaseExcept(kind);
    for (const indices of this.#microBatches(rows, responses)) {
      options.signal?.throwIfAborted();
      const members = indices.map((index) => rows[index] as EncodedRow);
      const batch = this.#pack(members, responses);
      const recompute = this.#recomputeFor(batch);
      const key = `${kind}${batch.pairs}|${recompute}`;
      const session = await this.#session(key, () =>
        gradientGraph(this.#model.config, this.#layout(batch), adapterShape(adapter), objective, recompute),
      );
      const vector = (values: ArrayLike<number>): Feed => ({
        data: Float32Array.from(values),
        shape: [values.length],
      });
      const outputs = await session.run({
        ...this.#batchFeeds(batch),
        ...adapterFeeds(adapter),
        weight: vector([weight]),
        chosen_length: vector(members.map((row) => row.chosen.length)),
        rejected_length: vector(members.map((row) => row.rejected.length)),
        ...Object.fromEntries(
          objective.constants.map((name) => [
            constantName(name),
            vector(indices.map((index) => constantValue(constants, name, index))),
          ]),
        ),
      });
      loss += (outputs['loss'] as Float32Array)[0] as number;
      storeLogProbs(logps, indices, outputs['logps'] as Float32Array, responses);
      for (const [name, total] of sums) addTo(total, outputs[gradientName(name)] as Float32Array);
      options.onProgress?.(batch.unsharedTokenCount);
    }
    const gradients = new Map([...sums].map(([name, total]) => [name, Float32Array.from(total)]));
    return { loss, logps, gradients };
  }

  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await (await session).release();
  }

  /** Consecutive rows, as many as fit: the order is the caller's, so results are reproducible. */
  #microBatches(rows: readonly EncodedRow[], responses: Responses): number[][] {
    const batches: number[][] = [];
    let filled = Number.POSITIVE_INFINITY;
    rows.forEach((row, index) => {
      const length = packedLength(row, responses);
      const current = batches.at(-1);
      if (current && current.length < this.#options.pairsPerBatch && filled + length <= this.#options.microBatchTokens) {
        current.push(index);
        filled += length;
      } else {
        batches.push([index]);
        filled = length;
      }
    });
    return batches;
  }

  #pack(rows: readonly EncodedRow[], responses: Responses): PackedBatch {
    return packBatch(rows, responses, headPieces, pieceSize);
  }

  #layout(batch: PackedBatch) {
    return { pairs: batch.pairs, responses: batch.responses, headPieces };
  }

  #recomputeFor(batch: PackedBatch): Recompute {
    if (this.#options.recompute !== 'auto') return this.#options.recompute;
    if (batch.tokenCount > 1280) return 'layers';
    return batch.tokenCount > 768 ? 'attention' : 'nothing';
  }

  /** Graphs are made when first needed and kept: one serves all lengths. */
  #session(key: string, graph: () => ReturnType<typeof scoringGraph>): Promise<OrtSession> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const session = createSession(graph(), this.#model.weights, { threads: this.#options.threads });
    this.#sessions.set(key, session);
    return session;
  }

  /** A stage trains one objective: another's graphs, with the memory they hold, are let go. */
  async #releaseExcept(kind: string): Promise<void> {
    for (const [key, session] of this.#sessions) {
      if (!key.startsWith('gradient|') || key.startsWith(kind)) continue;
      this.#sessions.delete(key);
      await (await session).release();
    }
  }

  #batchFeeds(batch: PackedBatch): Record<string, Feed> {
    const { headSize } = this.#model.config;
    // The runtime's rotary kernel wants tables at least as long as the packed batch.
    const tables = this.#rotaryTables(batch.tokenCount);
    const targets = batch.targets.length;
    const feed = (data: Float32Array | BigInt64Array, shape: number[] = [data.length]): Feed => ({
      data,
      shape,
    });
    return {
      tokens: feed(batch.tokens),
      positions: feed(batch.positions),
      segment_sizes: feed(batch.segmentSizes),
      query_sizes: feed(batch.querySizes),
      sources: feed(batch.sources),
      targets: feed(batch.targets),
      head_sizes: feed(batch.headSizes),
      membership: feed(batch.membership, [batch.membership.length / targets, targets]),
      rotary_cosines: feed(tables.cosines, [tables.positions, headSize / 2]),
      rotary_sines: feed(tables.sines, [tables.positions, headSize / 2]),
    };
  }

  #rotaryTables(positions: number): { positions: number; cosines: Float32Array; sines: Float32Array } {
    if (!this.#rotary || this.#rotary.positions < positions) {
      const size = Math.max(256, 2 ** Math.ceil(Math.log2(positions)));
      this.#rotary = { positions: size, ...rotaryTableValues(this.#model.config, size) };
    }
    return this.#rotary;
  }
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
  indices.forEach((index, at) => {
    const width = responses === 'pair' ? 2 : 1;
    target.chosen[index] = logps[at * width] as number;
    if (responses === 'pair') target.rejected[index] = logps[at * 2 + 1] as number;
  });
}

function normaliser({ rows, objective }: GradientRequest): number {
  return objective.normalizer === 'rows'
    ? rows.length
    : rows.reduce((total, row) => total + row.chosen.length, 0);
}

function constantValue(constants: GradientRequest['constants'], name: string, index: number): number {
  const value = constants[name]?.[index];
  if (value === undefined) throw new Error(`no value of the constant "${name}" for row ${index}`);
  return value;
}

/** Graphs depend on an adapter's shapes and scaling, not on its values. */
function adapterKey(adapter: Adapter | null): string {
  if (!adapter) return 'base';
  const { rank, alpha } = adapter.settings;
  return JSON.stringify([rank, alpha, ...adapter.tensors.keys()]);
}

function adapterFeeds(adapter: Adapter | null): Record<string, Feed> {
  return Object.fromEntries([...(adapter?.tensors ?? [])]);
}

function addTo(total: Float64Array, values: Float32Array): void {
  for (let i = 0; i < total.length; i++) total[i]! += values[i]!;
}
