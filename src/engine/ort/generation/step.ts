/** One run of the decoding graph: new tokens of some rows in, the logits after each row's last token out. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import type { Adapter } from '../../../model/adapter.ts';
import type { DecoderConfig } from '../../../model/config.ts';
import { rotaryTableValues } from '../../../model/graph/rope.ts';
import { adapterFeeds } from '../feeds.ts';
import type { OrtSession } from '../session.ts';
import type { CacheView } from './key-value-cache.ts';

export interface NewTokens {
  /** How many tokens of the row the cache holds already. */
  readonly start: number;
  readonly tokens: ArrayLike<number>;
}

type Tensors = Readonly<Record<string, OrtTensor>>;

/**
 * Runs with the same model, adapter and positions. Rows begin (start 0) or go on, all alike; those that go on
 * have one token each, or it is one row.
 */
export class DecodingStep {
  readonly #session: OrtSession;
  readonly #vocabulary: number;
  readonly #constants: Tensors;

  /** @param positions the most tokens a row may have */
  constructor(session: OrtSession, config: DecoderConfig, adapter: Adapter | null, positions: number) {
    this.#session = session;
    this.#vocabulary = config.vocabularySize;
    this.#constants = { ...adapterTensors(adapter), ...rotaryTensors(config, positions) };
  }

  /** The logits of every row, [vocabulary] each, in memory that no later run touches. */
  async run(rows: readonly NewTokens[], cache: CacheView): Promise<readonly Float32Array[]> {
    const feeds = { ...this.#constants, ...rowTensors(rows), ...cache.inputs };
    const { logits } = await this.#session.runInto(feeds, { ...cache.outputs, logits: null });
    const data = logits?.data as Float32Array;
    const size = this.#vocabulary;
    return rows.map((_, row) => data.subarray(row * size, (row + 1) * size));
  }
}

function adapterTensors(adapter: Adapter | null): Tensors {
  return Object.fromEntries(
    Object.entries(adapterFeeds(adapter)).map(([name, { data, shape }]) => [
      name,
      new OrtTensor('float32', data as Float32Array, shape),
    ]),
  );
}

function rotaryTensors(config: DecoderConfig, positions: number): Tensors {
  const { cosines, sines } = rotaryTableValues(config, positions);
  const shape = [positions, config.headSize / 2];
  return {
    rotary_cosines: new OrtTensor('float32', cosines, shape),
    rotary_sines: new OrtTensor('float32', sines, shape),
  };
}

function rowTensors(rows: readonly NewTokens[]): Tensors {
  const width = Math.max(...rows.map((row) => row.tokens.length));
  const tokens: number[] = [];
  const positions: number[] = [];
  const packed: number[] = [];
  const last: number[] = [];
  const padded = new Array<number>(rows.length * width).fill(0);
  rows.forEach((row, at) => {
    for (let token = 0; token < row.tokens.length; token++) {
      const place = at * width + token;
      padded[place] = tokens.length;
      packed.push(place);
      positions.push(row.start + token);
      tokens.push(row.tokens[token] as number);
    }
    last.push(tokens.length - 1);
  });
  const lengths = rows.map((row) => row.start + row.tokens.length);
  return {
    tokens: integers(tokens),
    positions: integers(positions),
    padded: integers(padded),
    packed: integers(packed),
    lengths: integers(lengths),
    longest: integers([Math.max(...lengths)]),
    last: integers(last),
  };
}

function integers(values: readonly number[]): OrtTensor {
  return new OrtTensor('int64', BigInt64Array.from(values, BigInt), [values.length]);
}
