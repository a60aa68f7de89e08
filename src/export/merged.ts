/** A merged model as a folder in Hugging Face layout. */
import { join } from 'node:path';
import { byteProgress } from '../model/weights/byte-progress.ts';
import { FLOAT_FORMATS, type FloatFormat } from '../model/weights/float-formats.ts';
import { type SafetensorsEntry, writeSafetensorsStream } from '../model/weights/safetensors.ts';
import { INDEX_FILE } from '../model/weights/weight-files.ts';
import { writeJsonFile } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import type { ExportJob } from './job.ts';
import { mergedPieces } from './merge.ts';
import { writeModelFiles } from './model-files.ts';
import { planShards, shardIndex } from './shards.ts';

/**
 * Weights, in as many files as their sizes ask for, and everything else a model folder needs. A head that is tied
 * to the embeddings stays tied and is not written.
 *
 * @throws {UserError} naming the tensor for values that the format cannot hold, or the file that cannot be written
 */
export async function writeMergedModel(folder: string, job: ExportJob): Promise<void> {
  const { base, dtype, maxShardBytes, signal } = job;
  await writeModelFiles(base.model.path, folder, dtype);
  const tensors = [...base.model.weights].map(([name, entry]) => ({
    name,
    entry,
    shape: entry.shape,
    format: dtype,
    bytes: (entry.byteLength / 4) * FLOAT_FORMATS[dtype].bytes,
  }));
  const shards = planShards(tensors, maxShardBytes);
  const total = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const meter = byteProgress('merging', total, job.progress);
  try {
    for (const shard of shards) {
      await writeSafetensorsStream(
        join(folder, shard.file),
        shard.tensors,
        async (write) => {
          for (const { name, entry } of shard.tensors) {
            for (const piece of mergedPieces(entry, job.adapter)) {
              signal?.throwIfAborted();
              checkHolds(dtype, piece, entry);
              await write(name, piece);
              meter.advance(piece.length * FLOAT_FORMATS[dtype].bytes);
            }
          }
        },
        { format: 'pt' },
      );
    }
  } finally {
    meter.stop();
  }
  const index = shardIndex(shards);
  if (index !== null) await writeJsonFile(join(folder, INDEX_FILE), index);
}

function checkHolds(dtype: FloatFormat, values: Float32Array, { name }: SafetensorsEntry): void {
  const bad = values.find(
    (value) => !Number.isFinite(value) || Math.abs(value) > FLOAT_FORMATS[dtype].largest,
  );
  if (bad === undefined) return;
  const hint = Number.isFinite(bad) ? '; take another dtype' : '';
  throw new UserError(`tensor "${name}": the merged value ${bad} cannot be held in ${dtype}${hint}`);
}
