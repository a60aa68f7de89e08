/** Values of graph inputs: packed batches, adapters, per-row constants. */
import type { Adapter } from '../../model/adapter.ts';
import type { DecoderConfig } from '../../model/config.ts';
import { namedRotaryTables } from '../../model/graph/rope.ts';
import type { EncodedRow } from '../../text/encoded-row.ts';
import type { GradientRequest } from '../engine.ts';
import { firstSeen, type PackedBatch } from '../packing.ts';
import { constantName } from './graphs.ts';
import type { Feed, Feeds } from './open-session.ts';

export function adapterFeeds(adapter: Adapter | null): Feeds {
  return Object.fromEntries(adapter?.tensors ?? []);
}

/**
 * Token ids as the graphs take them: a soft prompt's row, whose id lies beyond the vocabulary, has any token, and
 * `embedded` says what is to be seen there (`tokenStates` in model/graph/decoder.ts).
 */
export function tokenFeeds(ids: readonly number[], vocabularySize: number): Feeds {
  const isSoft = (id: number) => id >= vocabularySize;
  const feed = (values: readonly number[]): Feed => ({
    data: BigInt64Array.from(values, BigInt),
    shape: [values.length],
  });
  return {
    tokens: feed(ids.map((id) => (isSoft(id) ? 0 : id))),
    embedded: feed(ids.map((id, at) => (isSoft(id) ? ids.length + id - vocabularySize : at))),
  };
}

/** What an objective reads beside log-probs, for the rows of one micro-batch, filled up to its pairs. */
export function objectiveFeeds(
  { rows, objective, constants }: Omit<GradientRequest, 'adapter'>,
  indices: readonly number[],
  { weight, pairs }: { readonly weight: number; readonly pairs: number },
): Feeds {
  const vector = (value: (row: EncodedRow, index: number) => number, filler = 0): Feed => {
    const data = new Float32Array(pairs).fill(filler);
    data.set(indices.map((index) => value(rows[index]!, index)));
    return { data, shape: [pairs] };
  };
  const constant = (name: string) =>
    vector((_, index) => {
      const value = constants[name]?.[index];
      if (value === undefined) throw new Error(`no value of the constant "${name}" for row ${index}`);
      return value;
    });
  return {
    weight: vector(() => weight),
    chosen_length: vector((row) => row.chosen.length, 1),
    rejected_length: vector((row) => row.rejected.length, 1),
    ...Object.fromEntries(objective.constants.map((name) => [constantName(name), constant(name)])),
  };
}

/** The rotary tables of a model; they grow with the longest sequence met. */
export class RotaryTables {
  readonly #config: DecoderConfig;
  #tables: Feeds = {};
  #positions = 0;

  constructor(config: DecoderConfig) {
    this.#config = config;
  }

  /** The runtime's rotary kernel wants tables at least as long as a run has tokens, wherever they stand. */
  forPositions(least: number): Feeds {
    if (this.#positions < least) {
      this.#positions = Math.max(256, 2 ** Math.ceil(Math.log2(least)));
      this.#tables = namedRotaryTables(this.#config, this.#positions);
    }
    return this.#tables;
  }
}

/** Feeds of packed batches. */
export class BatchFeeds {
  readonly #tables: RotaryTables;
  readonly #vocabularySize: number;
  readonly #window: number | null;

  constructor(config: DecoderConfig) {
    this.#tables = new RotaryTables(config);
    this.#vocabularySize = config.vocabularySize;
    this.#window = config.sliding?.size ?? null;
  }

  of(batch: PackedBatch): Feeds {
    const targets = batch.targets.length;
    const list = (data: BigInt64Array): Feed => ({ data, shape: [data.length] });
    return {
      ...tokenFeeds(Array.from(batch.tokens, Number), this.#vocabularySize),
      positions: list(batch.positions),
      ...(this.#window === null ? {} : { first_seen: list(firstSeen(batch.positions, this.#window)) }),
      segment_sizes: list(batch.segmentSizes),
      sources: list(batch.sources),
      targets: list(batch.targets),
      head_sizes: list(batch.headSizes),
      membership: { data: batch.membership, shape: [batch.membership.length / targets, targets] },
      ...this.#tables.forPositions(batch.tokenCount),
    };
  }
}
