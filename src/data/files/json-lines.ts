/** JSONL, a JSON value on each line, read without ever holding more than a line. */
import { DataError } from '../../support/errors.ts';
import { findJsonError } from '../../support/json-syntax.ts';
import { jsonRecord } from './json-value.ts';
import { type Batches, type DataRecord, decodeUtf8, LONGEST_RECORD, tooLong } from './record.ts';

const NEWLINE = 0x0a;

/** What a first line that is not JSON may be followed by, to tell one value laid out over many lines. */
const LAID_OUT_BYTES = 4 * 2 ** 20;

/** @throws {DataError} with line and row, for what is not JSON or not UTF-8. */
export async function* readJsonLines(chunks: AsyncIterable<Buffer>, file: string, expected: string): Batches {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let line = 0;
  let row = 0;
  const begun: Buffer[] = [];
  const parse = (bytes: Buffer): DataRecord | undefined => {
    line++;
    const text = decodeUtf8(bytes, { file, line, row: row + 1 });
    if (text.trim() === '') return undefined;
    row++;
    try {
      return jsonRecord(text, { file, line, row });
    } catch (error) {
      if (row === 1 && isOneValue(Buffer.concat(begun))) {
        throw new DataError({ file }, `one JSON value that is not an array; ${expected}`);
      }
      throw error;
    }
  };
  for await (const chunk of chunks) {
    if (row === 0 || begun.length === 0) begun.push(chunk);
    const batch: DataRecord[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end);
      const record = parse(pendingBytes === 0 ? piece : Buffer.concat([...pending, piece]));
      if (record !== undefined) batch.push(record);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > LONGEST_RECORD) tooLong({ file, line: line + 1, row: row + 1 });
    if (batch.length > 0) yield batch;
  }
  const last = pendingBytes === 0 ? undefined : parse(Buffer.concat(pending));
  if (last !== undefined) yield [last];
}

function isOneValue(bytes: Buffer): boolean {
  return bytes.length <= LAID_OUT_BYTES && findJsonError(bytes.toString('utf8')) === undefined;
}
