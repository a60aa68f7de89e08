/** Adapters as objects of a memory: safetensors files with PEFT's tensor names, which any reader opens. */
import type { LoraAdapter, LoraSettings, LoraTensor } from '../../model/adapter.ts';
import { parseSafetensorsHeader } from '../../model/weights/safetensors-header.ts';
import { safetensorsPieces } from '../../model/weights/safetensors-writer.ts';
import { bytesHash, type ObjectFolder } from './objects.ts';

export function putTensors(objects: ObjectFolder, adapter: LoraAdapter): Promise<string> {
  return objects.put('safetensors', pieces(adapter));
}

/** The hash under which an adapter's matrices are kept, or would be. */
export function tensorsHash(adapter: LoraAdapter): string {
  return bytesHash(pieces(adapter));
}

function pieces({ tensors }: LoraAdapter): Iterable<Uint8Array> {
  const list = Array.from(tensors, ([name, { shape, data }]) => ({ name, shape, data }));
  return safetensorsPieces(list, { format: 'pt' });
}

/** @throws {DamagedError} if the object is missing or damaged. */
export async function readTensors(
  objects: ObjectFolder,
  hash: string,
  settings: LoraSettings,
): Promise<LoraAdapter> {
  const name = { hash, kind: 'safetensors' } as const;
  // The bytes are those that were hashed, never read a second time.
  const bytes = await objects.read(name);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE());
  const text = bytes.toString('utf8', 8, headerEnd);
  const { entries } = parseSafetensorsHeader(text, objects.file(name), headerEnd, bytes.length);
  const tensors = new Map<string, LoraTensor>();
  for (const [tensorName, { shape, offset, byteLength }] of entries) {
    const data = new Float32Array(byteLength / 4);
    new Uint8Array(data.buffer).set(bytes.subarray(offset, offset + byteLength));
    const [rows = 0, columns = 0] = shape;
    tensors.set(tensorName, { shape: [rows, columns], data });
  }
  return { settings, tensors };
}
