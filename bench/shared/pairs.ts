/** Real pairs for measurements: the first rows of one of the benchmark's sets that are valid and fit whole. */
import {
  type EncodedRow,
  encodeRows,
  type loadTextModel,
  type ModelFolder,
  type PreferenceRow,
  UserError,
} from '../../src/index.ts';
import { benchmarkRows } from '../../test/parity/benchmark-data.ts';

/** TRL's default: beyond it rows would be cut, by each program in its own way. */
const MAX_LENGTH = 1024;

interface Pair {
  readonly row: PreferenceRow;
  readonly ids: EncodedRow;
}

interface PairOptions {
  readonly model: ModelFolder;
  readonly text: Awaited<ReturnType<typeof loadTextModel>>;
  /** One of the benchmark's sets, in its folder. */
  readonly set: string;
  readonly data: string;
  readonly count: number;
}

/** @throws {UserError} where there are not so many, or the benchmark is not at hand */
export async function firstPairs({ model, text, set, data, count }: PairOptions): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  const limits = { file: set, maxLength: model.config.maxPositions, invalidRows: 'skip' } as const;
  for (const row of await benchmarkRows(set, data)) {
    if (pairs.length === count) return pairs;
    const [ids] = encodeRows([row], text, limits).encoded;
    if (!ids) continue;
    const longest = ids.prompt.length + Math.max(ids.chosen.length, ids.rejected.length);
    if (longest <= MAX_LENGTH) pairs.push({ row, ids });
  }
  if (pairs.length === count) return pairs;
  throw new UserError(`${count} pairs: ${set} has only ${pairs.length} that fit into ${MAX_LENGTH} tokens`);
}
