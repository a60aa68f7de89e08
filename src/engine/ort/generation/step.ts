/**
 * One run of the decoding graph: new tokens of some rows in, the logits after each row's last token and the
 * tokens' keys and values out.
 */
import type { Adapter } from '../../../model/adapter.ts';
import type { DecoderConfig } from '../../../model/config.ts';
import type { NewTokens, Step, StepResult } from '../../generation/step.ts';
import { adapterFeeds, RotaryTables, tokenFeeds } from '../feeds.ts';
import type { Feed, Feeds, GraphRunner } from '../open-session.ts';
import type { Past } from './key-value-cache.ts';

/** A run's keys and values, for `KeyValueCache.write`. */
export type NewKeysAndValues = Readonly<Record<string, Float32Array>>;

/** What is added to the score of what a query must not see. */
const HIDDEN = -1e30;

/** Runs with the same model and adapter. */
export class DecodingStep implements Step<Past, NewKeysAndValues> {
  readonly #session: GraphRunner;
  readonly #vocabulary: number;
  readonly #adapter: Feeds;
  readonly #tables: RotaryTables;

  constructor(session: GraphRunner, config: DecoderConfig, adapter: Adapter | null) {
    this.#session = session;
    this.#vocabulary = config.vocabularySize;
    this.#adapter = adapterFeeds(adapter);
    this.#tables = new RotaryTables(config);
  }

  /** @param past of the same rows, holding at least each row's `start` tokens */
  async run(rows: readonly NewTokens[], past: Past): Promise<StepResult<NewKeysAndValues>> {
    const tokens = rows.reduce((sum, row) => sum + row.tokens.length, 0);
    const positions = rows.map((row) => row.start + row.tokens.length);
    const { logits, ...outputs } = await this.#session.run({
      ...this.#adapter,
      ...this.#tables.forPositions(Math.max(tokens, ...positions)),
      ...rowFeeds(rows, this.#vocabulary),
      mask: maskOf(rows, past.capacity),
      ...past.feeds,
    });
    const size = this.#vocabulary;
    const ofRow = (row: number) => (logits as Float32Array).subarray(row * size, (row + 1) * size);
    return { logits: rows.map((_, row) => ofRow(row)), outputs };
  }
}

function widthOf(rows: readonly NewTokens[]): number {
  return Math.max(...rows.map((row) => row.tokens.length));
}

function rowFeeds(rows: readonly NewTokens[], vocabularySize: number): Feeds {
  const width = widthOf(rows);
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
  return {
    ...tokenFeeds(tokens, vocabularySize),
    positions: integers(positions),
    padded: integers(padded),
    packed: integers(packed),
    last: integers(last),
  };
}

/** A token sees the row's tokens in the cache, the new ones before it, and itself. */
function maskOf(rows: readonly NewTokens[], capacity: number): Feed {
  const width = widthOf(rows);
  const seen = capacity + width;
  const data = new Float32Array(rows.length * width * seen).fill(HIDDEN);
  rows.forEach(({ start }, row) => {
    for (let query = 0; query < width; query++) {
      const from = (row * width + query) * seen;
      data.fill(0, from, from + start);
      data.fill(0, from + capacity, from + capacity + query + 1);
    }
  });
  return { data, shape: [rows.length, width, seen] };
}

function integers(values: readonly number[]): Feed {
  return { data: BigInt64Array.from(values, BigInt), shape: [values.length] };
}
