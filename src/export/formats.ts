/** The forms an adapter leaves in: each says how it is written, and how it is read again to be checked. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RowLogProbs, RunOptions } from '../engine/engine.ts';
import { createOrtEngine } from '../engine/ort/index.ts';
import { readGgufLora, writeGgufLora } from '../model/gguf/lora.ts';
import { openModelFolder } from '../model/model-folder.ts';
import { type PeftAdapter, readPeftAdapter, writePeftAdapter } from '../model/peft.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import { loadTextModel } from '../text/text-model.ts';
import type { ExportBase, ExportFormatName, ExportJob } from './job.ts';
import { writeMergedModel } from './merged.ts';
import { formatOfConfig } from './model-files.ts';
import { areSameRows, verificationRows } from './verify.ts';

interface ExportFormat {
  /** Used where the user names none. */
  defaultDtype(base: ExportBase): Promise<unknown>;
  write(folder: string, job: ExportJob): Promise<void>;
  /** Log-probs of the rows under what lies in the folder; null if it encodes their texts in another way. */
  score(folder: string, job: ExportJob, rows: readonly EncodedRow[]): Promise<RowLogProbs | null>;
}

/** In the folder of a `gguf-lora`. */
export const GGUF_FILE = 'adapter.gguf';

const peft: ExportFormat = {
  defaultDtype: async () => 'float32',
  write: (folder, { adapter, baseModel, dtype }) => {
    const { basePrecisions } = adapter as Partial<PeftAdapter>;
    return writePeftAdapter(folder, adapter, { baseModel, basePrecisions, format: dtype });
  },
  score: async (folder, { base, signal }, rows) =>
    base.engine.score(rows, await readPeftAdapter(folder), stopping(signal)),
};

const merged: ExportFormat = {
  defaultDtype: ({ model }) => formatOfConfig(model.path),
  write: writeMergedModel,
  async score(folder, { base, threads, progress, signal }, rows) {
    const text = await loadTextModel(folder, base.model.config.vocabularySize);
    if (!areSameRows(verificationRows(text, base.model.config.maxPositions), rows)) return null;
    const copy = join(folder, 'float32-copy');
    try {
      const options = { float32Folder: copy, ...(progress === undefined ? {} : { progress }) };
      const model = await openModelFolder(folder, options);
      const engine = await createOrtEngine(model, threads === undefined ? {} : { threads });
      try {
        return await engine.score(rows, null, stopping(signal));
      } finally {
        await engine.close();
      }
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  },
};

const ggufLora: ExportFormat = {
  defaultDtype: async () => 'float32',
  write: (folder, { adapter, base, dtype, baseModel }) =>
    writeGgufLora(join(folder, GGUF_FILE), adapter, base.model.config, { format: dtype, baseModel }),
  score: async (folder, { base, signal }, rows) =>
    base.engine.score(rows, readGgufLora(join(folder, GGUF_FILE), base.model.config), stopping(signal)),
};

export const exportFormats: Readonly<Record<ExportFormatName, ExportFormat>> = {
  peft,
  merged,
  'gguf-lora': ggufLora,
};

function stopping(signal: AbortSignal | undefined): RunOptions {
  return signal === undefined ? {} : { signal };
}
