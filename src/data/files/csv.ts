/**
 * CSV [RFC 4180] with a line of names, read row by row: commas, semicolons or tabs between the fields, fields in
 * double quotes where they hold one of these or a line break. Every value is a text; an empty field is absent.
 */
import { pipeline, Readable } from 'node:stream';
import { CsvError, type Options, parse } from 'csv-parse';
import { DataError } from '../../support/errors.ts';
import { type Batches, type DataRecord, LONGEST_RECORD, tooLong } from './record.ts';

const DELIMITERS = [',', ';', '\t'];
const BATCH = 256;

/** @throws {DataError} with the row, for quotes that are not CSV, bytes that are not UTF-8 and repeated names. */
export async function* readCsv(chunks: AsyncIterable<Buffer>, head: Buffer, file: string): Batches {
  const options: Options = {
    delimiter: delimiterOf(head),
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_RECORD,
  };
  const rows = new CsvRows(file);
  let batch: DataRecord[] = [];
  try {
    const parser = parse(options);
    // Errors come out of the iteration.
    pipeline(Readable.from(checkedUtf8(chunks, file)), parser, () => {});
    for await (const fields of parser as AsyncIterable<readonly string[]>) {
      const record = rows.take(fields);
      if (record !== undefined) batch.push(record);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    throw csvError(error, { file, row: rows.count + 1 });
  }
  if (batch.length > 0) yield batch;
}

class CsvRows {
  readonly #file: string;
  #names: readonly string[] | undefined;
  count = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Nothing for the line of names. */
  take(record: readonly string[]): DataRecord | undefined {
    if (this.#names === undefined) {
      this.#names = this.#checked(record);
      return undefined;
    }
    const row = ++this.count;
    const names = this.#names;
    const value = Object.fromEntries(
      names.flatMap((name, at) => (name === '' ? [] : [[name, record[at] === '' ? null : record[at]]])),
    );
    if (record.length === names.length) return { row, value };
    const problem = `${record.length} fields; the first line names ${names.length}`;
    return { row, value, problem: { field: '', problem } };
  }

  /** A column without a name, as pandas writes its index, is passed over. */
  #checked(names: readonly string[]): readonly string[] {
    const trimmed = names.map((name) => name.trim());
    const repeated = trimmed.find((name, at) => name !== '' && trimmed.indexOf(name) !== at);
    if (repeated !== undefined) {
      throw new DataError({ file: this.#file, line: 1, field: repeated }, 'two columns have this name');
    }
    return trimmed;
  }
}

/** The one that stands most often in the line of names. */
function delimiterOf(head: Buffer): string {
  const names =
    head
      .toString('utf8')
      .trimStart()
      .split(/[\r\n]/, 1)[0] ?? '';
  const counts = DELIMITERS.map((delimiter) => names.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

async function* checkedUtf8(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (chunk: Buffer, stream: boolean) => {
    try {
      decoder.decode(chunk, { stream });
    } catch (error) {
      throw new DataError({ file }, 'not UTF-8 text', { cause: error });
    }
  };
  for await (const chunk of chunks) {
    check(chunk, true);
    yield chunk;
  }
  check(Buffer.alloc(0), false);
}

function csvError(error: unknown, where: { file: string; row: number }): unknown {
  if (!(error instanceof CsvError)) return error;
  if (error.code === 'CSV_MAX_RECORD_SIZE') tooLong(where);
  const [what, ...details] = error.message.split(': ');
  return new DataError(where, `invalid CSV: ${what?.toLowerCase()}: ${details.join(': ')}`, { cause: error });
}
