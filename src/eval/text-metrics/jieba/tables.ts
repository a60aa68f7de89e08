/**
 * jieba's dictionary and hidden Markov model, as scripts/jieba/make_tables.py packed them (its header has the
 * layout; source and licence: dictionaries/jieba/). Read once, when the first text is cut: about 5 MB.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { packageFolder } from '../../../support/version.ts';
import { HiddenMarkovModel } from './hidden-markov-model.ts';
import { WordTree } from './word-tree.ts';

export interface JiebaTables {
  readonly words: WordTree;
  readonly model: HiddenMarkovModel;
}

const FILE = join(packageFolder, 'dictionaries', 'jieba', 'tables.bin.gz');

const STATES = 4;
const CHARACTERS = 0x9fd5 - 0x4e00 + 1;

let tables: JiebaTables | undefined;

export function jiebaTables(): JiebaTables {
  tables ??= readTables();
  return tables;
}

function readTables(): JiebaTables {
  const { buffer, byteOffset } = gunzipSync(readFileSync(FILE));
  let offset = byteOffset;
  // Copied, so that what was unpacked can be freed.
  const take = <Values extends Float64Array | Uint32Array | Uint16Array>(
    type: new (bytes: ArrayBufferLike) => Values,
    bytes: number,
  ): Values => {
    offset += bytes;
    return new type(buffer.slice(offset - bytes, offset));
  };
  const doubles = (count: number) => take(Float64Array, 8 * count);
  const shorts = (count: number) => take(Uint16Array, 2 * count);

  const [nodes = 0, weights = 0, values = 0] = take(Uint32Array, 16);
  const wordWeights = doubles(weights);
  const start = doubles(STATES);
  const transition = doubles(STATES * STATES);
  const emissionValues = doubles(values);
  const emission = shorts(STATES * CHARACTERS);
  return {
    model: new HiddenMarkovModel({ start, transition, emission, emissionValues }),
    words: new WordTree({
      childCounts: shorts(nodes),
      characters: shorts(nodes),
      weightIndices: shorts(nodes),
      weights: wordWeights,
    }),
  };
}
