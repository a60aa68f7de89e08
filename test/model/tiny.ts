/** The tiny random models of the parity fixtures, rows of random tokens, and values for graphs over them. */
import { fileURLToPath } from 'node:url';
import { firstSeen, packBatch } from '../../src/engine/packing.ts';
import type { Adapter, LoraAdapter } from '../../src/model/adapter.ts';
import { namedRotaryTables } from '../../src/model/graph/rope.ts';
import { type ModelFolder, openModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { readTensor } from '../../src/model/weights/safetensors.ts';
import { Random } from '../../src/support/random.ts';
import type { Value } from '../../src/tensor/operation.ts';
import { nodesOf, type Tensor } from '../../src/tensor/tensor.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';

const FIXTURES = new URL('../parity/fixtures/models/', import.meta.url);

/** Each model with the adapter that has most modules. */
export const TINY_MODELS = [
  ['untied-gqa', 'all'],
  ['tied-llama3', 'all'],
  ['biased', 'mixed'],
] as const;

export async function openTiny(
  name: string,
  adapter: string,
): Promise<{ model: ModelFolder; adapter: LoraAdapter }> {
  const folder = fileURLToPath(new URL(name, FIXTURES));
  return {
    model: await openModelFolder(folder),
    adapter: await readPeftAdapter(`${folder}/adapters/${adapter}`),
  };
}

/** Rows of random tokens with these lengths of prompt, chosen and rejected response. */
export function randomRows(
  lengths: readonly (readonly [number, number, number])[],
  vocabulary: number,
  seed: number,
): readonly EncodedRow[] {
  const random = Random.fromSeed(seed);
  const tokens = (length: number) => Int32Array.from({ length }, () => random.integer(vocabulary));
  return lengths.map(([prompt, chosen, rejected]) => ({
    prompt: tokens(prompt),
    chosen: tokens(chosen),
    rejected: tokens(rejected),
  }));
}

export function makeValue(shape: readonly number[], data: ArrayLike<number | bigint>): Value {
  return { shape, data: Float64Array.from(data, Number) };
}

export function weightValues({ weights }: ModelFolder): Map<string, Value> {
  return new Map([...weights].map(([name, entry]) => [name, makeValue(entry.shape, readTensor(entry))]));
}

export function adapterValues(adapter: Adapter | null): Map<string, Value> {
  return new Map(
    [...(adapter?.tensors ?? [])].map(([name, { shape, data }]) => [name, makeValue(shape, data)]),
  );
}

export const HEAD_PIECES = 2;

/** The inputs of a graph over one packed batch of these rows, its head's work cut into `HEAD_PIECES`. */
export function batchValues(
  { config }: Pick<ModelFolder, 'config'>,
  rows: readonly EncodedRow[],
  responses: 'chosen' | 'pair',
  tiles = 1,
): Map<string, Value> {
  const batch = packBatch(rows, responses, { tiles, headPieces: HEAD_PIECES, pieceSize: 4 });
  const tables = Object.entries(namedRotaryTables(config, batch.tokenCount));
  const integers = (data: BigInt64Array) => makeValue([data.length], data);
  // A soft prompt's row has any token, and is to be seen behind the tokens' own embeddings.
  const size = BigInt(config.vocabularySize);
  const count = BigInt(batch.tokenCount);
  const [tokens, embedded] = [
    batch.tokens.map((id) => (id < size ? id : 1n)),
    batch.tokens.map((id, at) => (id < size ? BigInt(at) : count + id - size)),
  ];
  return new Map([
    ['tokens', integers(tokens)],
    ['embedded', integers(embedded)],
    ['positions', integers(batch.positions)],
    ['first_seen', integers(firstSeen(batch.positions, config.sliding?.size ?? batch.tokenCount))],
    ['segment_sizes', integers(batch.segmentSizes)],
    ['sources', integers(batch.sources)],
    ['targets', integers(batch.targets)],
    ['head_sizes', integers(batch.headSizes)],
    [
      'membership',
      makeValue([batch.membership.length / batch.targets.length, batch.targets.length], batch.membership),
    ],
    ...tables.map(([name, { shape, data }]) => [name, makeValue(shape, data)] as const),
  ]);
}

/** Pairs a graph's inputs and weights with values by name. */
export function feed(outputs: readonly Tensor[], values: ReadonlyMap<string, Value>): Map<Tensor, Value> {
  const given = new Map<Tensor, Value>();
  for (const node of nodesOf(outputs)) {
    if (node.operation.name !== 'input' && node.operation.name !== 'weight') continue;
    const value = values.get((node.attributes as { name: string }).name);
    if (value) given.set(node.outputs[0] as Tensor, value);
  }
  return given;
}
