/** How a model's tensors are shared out among weight files, and what the files are called. */
import { SINGLE_FILE } from '../model/weights/weight-files.ts';

export interface SizedTensor {
  readonly name: string;
  readonly bytes: number;
}

export interface Shard<T extends SizedTensor> {
  readonly file: string;
  readonly tensors: readonly T[];
}

/**
 * Tensors in their order, a new file where the next would not fit in `maxBytes` any more; one that is larger by
 * itself has a file to itself. A single file has the name that models of one file have.
 */
export function planShards<T extends SizedTensor>(tensors: readonly T[], maxBytes: number): Shard<T>[] {
  const groups: T[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    if (bytes + tensor.bytes > maxBytes) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(tensor);
    bytes += tensor.bytes;
  }
  if (groups.length === 1) return [{ file: SINGLE_FILE, tensors: groups[0]! }];
  const digits = (number: number) => `${number}`.padStart(5, '0');
  return groups.map((group, at) => ({
    file: `model-${digits(at + 1)}-of-${digits(groups.length)}.safetensors`,
    tensors: group,
  }));
}

/** The content of the index file, which says where each tensor is; null where there is one file alone. */
export function shardIndex<T extends SizedTensor>(shards: readonly Shard<T>[]): object | null {
  if (shards.length < 2) return null;
  const places = shards.flatMap(({ file, tensors }) => tensors.map(({ name }) => [name, file] as const));
  const total = shards.flatMap(({ tensors }) => tensors).reduce((sum, { bytes }) => sum + bytes, 0);
  return { metadata: { total_size: total }, weight_map: Object.fromEntries(places) };
}
