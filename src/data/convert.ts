/** Rows of any shape written as our own, `{prompt, chosen, rejected}` a line: whole or in parts, never held whole. */
import { extname } from 'node:path';
import { type FileSink, writeFileAtomicStream } from '../support/atomic-file.ts';
import { isProblem } from './invalid-row.ts';
import { promptKey } from './overlap.ts';
import type { PreferenceRow } from './row.ts';
import type { RowResult, SkippedRow } from './row-stream.ts';
import { type Part, Splitter } from './split.ts';

export interface ConvertOptions {
  readonly output: string;
  /** Null: everything in one file. */
  readonly parts: readonly Part[] | null;
  readonly seed: number;
  /** Prompts (as `promptKey` gives them) whose rows are left out. */
  readonly exclude?: ReadonlySet<string>;
}

export interface ConvertReport {
  /** Rows by the file they were written to. */
  readonly written: Readonly<Record<string, number>>;
  /** Valid rows that lie in no part, and ones whose prompt was to be left out. */
  readonly outside: number;
  readonly excluded: number;
  readonly invalid: readonly SkippedRow[];
}

type Results = AsyncIterable<readonly RowResult<PreferenceRow>[]>;

/** Lines are written in pieces of about so many characters. */
const PIECE = 1 << 20;

/**
 * Writes what `open` gives, which is gone through twice where there are parts: the first time says which row
 * belongs where. `onInvalid` may throw, so that nothing is written.
 * @param nothing the error if there is no row to write
 * @throws {UserError} as the rows' reader, and for a file that cannot be written.
 */
export async function convertRows(
  open: () => Promise<Results>,
  { output, parts, seed, exclude = new Set() }: ConvertOptions,
  onInvalid: (row: SkippedRow) => void,
  nothing: () => Error,
): Promise<ConvertReport> {
  const splitter = parts === null ? null : new Splitter(parts, seed);
  if (splitter !== null) {
    for await (const row of validRows(await open(), onInvalid)) {
      const key = promptKey(row);
      if (!exclude.has(key)) splitter.see(key);
    }
    splitter.decide();
  }
  const invalid: SkippedRow[] = [];
  const counts = { outside: 0, excluded: 0 };
  const files = parts === null ? [output] : parts.map(({ name }) => partFile(output, name));
  const written = await writeLines(files, async (writers) => {
    const note = (row: SkippedRow) => {
      if (splitter === null) onInvalid(row);
      invalid.push(row);
    };
    for await (const row of validRows(await open(), note)) {
      const key = splitter !== null || exclude.size > 0 ? promptKey(row) : '';
      if (exclude.has(key)) {
        counts.excluded++;
        continue;
      }
      const part = splitter?.partOf(key);
      const at = splitter === null ? 0 : (parts ?? []).findIndex(({ name }) => name === part);
      const writer = writers[at];
      if (writer === undefined) counts.outside++;
      else await writer.write(row);
    }
    if (writers.every(({ count }) => count === 0)) throw nothing();
  });
  return { written, ...counts, invalid };
}

/** `rows.jsonl` becomes `rows.train.jsonl`. */
export function partFile(output: string, part: string): string {
  const extension = extname(output);
  return `${output.slice(0, output.length - extension.length)}.${part}${extension}`;
}

async function* validRows(
  results: Results,
  onInvalid: (row: SkippedRow) => void,
): AsyncGenerator<PreferenceRow> {
  for await (const batch of results) {
    for (const result of batch) {
      if (isProblem(result)) onInvalid(result);
      else yield result.row;
    }
  }
}

class LineWriter {
  readonly #sink: FileSink;
  #pending = '';
  count = 0;

  constructor(sink: FileSink) {
    this.#sink = sink;
  }

  async write(row: PreferenceRow): Promise<void> {
    this.#pending += `${JSON.stringify(rawRow(row))}\n`;
    this.count++;
    if (this.#pending.length >= PIECE) await this.flush();
  }

  async flush(): Promise<void> {
    await this.#sink.write(this.#pending);
    this.#pending = '';
  }
}

/** All files are open while `produce` runs, and come to stand under their names when it has ended well. */
async function writeLines(
  files: readonly string[],
  produce: (writers: readonly LineWriter[]) => Promise<void>,
): Promise<Record<string, number>> {
  const writers: LineWriter[] = [];
  const openFrom = async (at: number): Promise<void> => {
    const file = files[at];
    if (file === undefined) return produce(writers);
    await writeFileAtomicStream(file, async (sink) => {
      const writer = new LineWriter(sink);
      writers.push(writer);
      await openFrom(at + 1);
      await writer.flush();
    });
  };
  await openFrom(0);
  return Object.fromEntries(files.map((file, at) => [file, writers[at]?.count ?? 0]));
}

/** A prompt of one user turn is a text, which means the same. */
export function rawRow({ prompt, chosen, rejected }: PreferenceRow): object {
  const [first] = prompt;
  const plain = prompt.length === 1 && first?.role === 'user' ? first.content : prompt;
  return { prompt: plain, chosen, rejected };
}
