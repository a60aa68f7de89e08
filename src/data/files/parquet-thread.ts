/** The thread that parquet.ts reads in, and what is said between the two. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DataError } from '../../support/errors.ts';

/** How the file is cut; or rows of a row group, counted from 0, from the given one on. */
export type Request = 'groups' | { readonly group: number; readonly from: number };

export interface RowGroup {
  readonly rows: number;
  /** Unpacked, as the file says. */
  readonly bytes: number;
}

interface Replies {
  readonly groups?: readonly RowGroup[];
  readonly rows?: readonly Record<string, unknown>[];
  readonly problem?: string;
}

/**
 * Plain JavaScript: a thread can start neither from TypeScript nor from the middle of a bundle. Texts that are
 * not UTF-8 are an error here as everywhere, and a text that begins with a byte order mark keeps it.
 */
const SOURCE = `
const { parentPort, workerData } = require('node:worker_threads');
const PIECE = 1000;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const parsers = { stringFromBytes: (bytes) => bytes && decoder.decode(bytes) };
const opened = (async () => {
  const [{ asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects }, { compressors }] =
    await Promise.all([import(workerData.hyparquet), import(workerData.compressors)]);
  const file = await asyncBufferFromFile(workerData.file);
  const metadata = await parquetMetadataAsync(file);
  const groups = metadata.row_groups.map((group) => ({
    rows: Number(group.num_rows),
    bytes: group.columns.reduce((sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0), 0),
  }));
  const total = groups.reduce((sum, { rows }) => sum + rows, 0);
  if (total !== Number(metadata.num_rows)) throw new Error('its row groups have another number of rows than the file');
  const read = (rowStart, rowEnd) => parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors, parsers });
  return { groups, read };
})();
let held = -1;
let rows = [];
async function answer(request) {
  const { groups, read } = await opened;
  if (request === 'groups') return { groups };
  if (request.group !== held) {
    rows = [];
    const start = groups.slice(0, request.group).reduce((sum, group) => sum + group.rows, 0);
    rows = await read(start, start + groups[request.group].rows);
    held = request.group;
  }
  return { rows: rows.slice(request.from, request.from + PIECE) };
}
parentPort.on('message', (request) => {
  answer(request).then(
    (reply) => parentPort.postMessage(reply),
    (error) => parentPort.postMessage({ problem: String(error?.message ?? error) }),
  );
});
`;

/** A thread with a limit on memory; what it cannot read is a `DataError`, whatever happened to it. */
export class ParquetThread {
  readonly #file: string;
  readonly #worker: Worker;
  #failed: Error | undefined;

  constructor(file: string, megabytes: number) {
    const { resolve } = createRequire(import.meta.url);
    const path = (name: string) => pathToFileURL(resolve(name)).href;
    this.#file = file;
    this.#worker = new Worker(SOURCE, {
      eval: true,
      workerData: { file, hyparquet: path('hyparquet'), compressors: path('hyparquet-compressors') },
      resourceLimits: { maxOldGenerationSizeMb: megabytes },
      // The loader that this process may have been started with has nothing to do there.
      execArgv: [],
    });
    this.#worker.on('error', (error) => {
      this.#failed = error;
    });
  }

  async groups(): Promise<readonly RowGroup[]> {
    return (await this.#ask('groups')).groups ?? [];
  }

  /** Some of the rows of a row group, from row `from` of it on; none at its end. */
  async rows(group: number, from: number): Promise<readonly Record<string, unknown>[]> {
    return (await this.#ask({ group, from })).rows ?? [];
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(request: Request): Promise<Replies> {
    return new Promise((done, fail) => {
      const damaged = (problem: string) =>
        fail(
          new DataError(
            { file: this.#file },
            `the Parquet file is damaged or of an unknown kind: ${problem}`,
          ),
        );
      const onMessage = (reply: Replies) => {
        settle();
        if (reply.problem === undefined) done(reply);
        else damaged(reply.problem);
      };
      const onExit = () => {
        settle();
        damaged(this.#failed?.message ?? 'the thread that read it ended');
      };
      const settle = () => {
        this.#worker.off('message', onMessage);
        this.#worker.off('exit', onExit);
      };
      this.#worker.once('message', onMessage);
      this.#worker.once('exit', onExit);
      this.#worker.postMessage(request);
    });
  }
}
