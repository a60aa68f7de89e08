/**
 * An adapter leaves for other programs: written in the form they read, read again, and compared with what base and
 * adapter compute here. Only what passes gets its name.
 */
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Adapter, isPromptPool } from '../model/adapter.ts';
import { type FloatFormat, floatFormats } from '../model/weights/float-formats.ts';
import { movePath, writeFolderAtomic } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { exportFormats } from './formats.ts';
import type { ExportBase, ExportFormatName, ExportJob } from './job.ts';
import { largestDifference, TOLERANCES, verificationRows } from './verify.ts';

export interface ExportOptions extends Pick<ExportJob, 'baseModel' | 'threads' | 'progress' | 'signal'> {
  readonly format: ExportFormatName;
  /** A new folder. */
  readonly output: string;
  /** What weights are rounded to; by default float32 for an adapter, and for a merged model what its base says. */
  readonly dtype?: FloatFormat;
  /** The most bytes of a file of a merged model's weights, 2 GB by default. */
  readonly maxShardBytes?: number;
}

export interface ExportReport {
  readonly format: ExportFormatName;
  readonly output: string;
  readonly dtype: FloatFormat;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  readonly verification: {
    readonly pairs: number;
    readonly response_tokens: number;
    /** Between what was written and base with adapter, in nats per token of a response: the largest of all. */
    readonly largest_difference: number;
    readonly tolerance: number;
    /** The same between base with adapter and the base alone. */
    readonly adapter_effect: number;
  };
}

const DEFAULT_SHARD_BYTES = 2e9;

/**
 * Writes `adapter` on `base` to `options.output`, a folder that is there whole or not at all. What does not give the
 * log-probs that it should is kept beside it, under another name.
 *
 * @throws {UserError} for a folder that is not empty, a prompt pool, values that the dtype cannot hold; with exit
 *   code 1 where the log-probs differ, saying by how much and where the files are
 */
export async function exportAdapter(
  base: ExportBase,
  adapter: Adapter,
  options: ExportOptions,
): Promise<ExportReport> {
  if (isPromptPool(adapter)) {
    throw new UserError('a prompt pool cannot be exported: other programs have no place for one');
  }
  const { output, baseModel } = options;
  const format = exportFormats[options.format];
  const dtype = options.dtype ?? knownFormat(await format.defaultDtype(base));
  const { maxShardBytes = DEFAULT_SHARD_BYTES, threads, progress, signal } = options;
  const job: ExportJob = {
    ...{ base, adapter, dtype, maxShardBytes, baseModel },
    ...(threads === undefined ? {} : { threads }),
    ...(progress === undefined ? {} : { progress }),
    ...(signal === undefined ? {} : { signal }),
  };
  const rows = verificationRows(base.text, base.model.config.maxPositions);
  let verification: ExportReport['verification'] | undefined;
  await writeFolderAtomic(output, async (folder) => {
    const scoring = signal === undefined ? {} : { signal };
    const expected = await base.engine.score(rows, adapter, scoring);
    const without = await base.engine.score(rows, null, scoring);
    await format.write(folder, job);
    const found = await format.score(folder, job, rows);
    verification = {
      pairs: rows.length,
      response_tokens: rows.reduce((sum, { chosen, rejected }) => sum + chosen.length + rejected.length, 0),
      largest_difference: found === null ? Number.NaN : largestDifference(rows, expected, found),
      tolerance: TOLERANCES[dtype],
      adapter_effect: largestDifference(rows, expected, without),
    };
    const { largest_difference: difference, tolerance } = verification;
    if (difference <= tolerance) return;
    const kept = `${resolve(output)}.mismatch-${randomBytes(3).toString('hex')}`;
    await movePath(folder, kept);
    const problem =
      found === null
        ? 'it encodes texts in another way than the base'
        : `its log-probs differ from those of base and adapter by up to ${difference} nats per token, ` +
          `where ${tolerance} is allowed for ${dtype}`;
    throw new UserError(`${output}: the export failed: ${problem}; what was written is kept in ${kept}`, {
      exitCode: 1,
    });
  });
  return {
    format: options.format,
    output,
    dtype,
    files: await listFiles(output),
    verification: verification!,
  };
}

function knownFormat(named: unknown): FloatFormat {
  return floatFormats.find((format) => format === named) ?? 'float32';
}

async function listFiles(folder: string): Promise<{ name: string; bytes: number }[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (name) => ({ name, bytes: (await stat(join(folder, name))).size })));
}
