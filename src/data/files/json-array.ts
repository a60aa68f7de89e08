/**
 * A JSON array, read element by element: brackets and quotes are followed byte by byte, each element is parsed
 * by itself. Everything that means something to JSON is ASCII, which stands for itself in UTF-8.
 */
import { DataError } from '../../support/errors.ts';
import { findJsonError } from '../../support/json-syntax.ts';
import { jsonRecord } from './json-value.ts';
import { type Batches, type DataRecord, decodeUtf8, LONGEST_RECORD, tooLong } from './record.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const SPACE = new Set([0x20, 0x09, NEWLINE, 0x0d]);

/** @throws {DataError} with line and row, for what is not JSON or not UTF-8. */
export async function* readJsonArray(chunks: AsyncIterable<Buffer>, file: string): Batches {
  const array = new ArrayScanner(file);
  for await (const chunk of chunks) {
    const batch = array.take(chunk);
    if (batch.length > 0) yield batch;
  }
  array.end();
}

class ArrayScanner {
  readonly #file: string;
  /** Brackets open, the array's own included: 0 before it and after it. */
  #depth = 0;
  #ended = false;
  #inString = false;
  #escaped = false;
  /** The element being read, its last piece aside. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #row = 0;
  /** Of the byte being read, and of the element's first. */
  #line = 1;
  #elementLine = 1;

  constructor(file: string) {
    this.#file = file;
  }

  /** The records that end in this piece of the file. */
  take(chunk: Buffer): DataRecord[] {
    const batch: DataRecord[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number;
      if (byte === NEWLINE) this.#line++;
      if (this.#inString) {
        at = this.#throughString(chunk, at);
      } else if (this.#depth === 0) {
        if (this.#enter(byte)) start = at + 1;
      } else if (byte === QUOTE) {
        this.#inString = true;
      } else if (OPENING.has(byte)) {
        this.#depth++;
      } else if (byte === COMMA && this.#depth === 1) {
        batch.push(this.#element(chunk.subarray(start, at), byte));
        start = at + 1;
      } else if (CLOSING.has(byte) && --this.#depth === 0) {
        this.#last(chunk.subarray(start, at), byte, batch);
        this.#ended = true;
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start));
    return batch;
  }

  end(): void {
    if (this.#ended) return;
    // The rest is an element that is not closed, or nothing where one should be.
    this.#refuse(Buffer.concat(this.#pieces));
  }

  /** Goes on inside a string; the place of its last byte in this piece. */
  #throughString(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        return at;
      }
    }
    return chunk.length;
  }

  /** Before and behind the array only blank space and its opening bracket may stand. */
  #enter(byte: number): boolean {
    if (SPACE.has(byte)) return false;
    if (this.#ended || byte !== 0x5b) {
      const problem = 'invalid JSON: expected nothing after the array';
      throw new DataError({ file: this.#file, line: this.#line }, problem);
    }
    this.#depth = 1;
    this.#elementLine = this.#line;
    return true;
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
    if (this.#pieceBytes > LONGEST_RECORD) tooLong(this.#where());
  }

  #last(piece: Buffer, bracket: number, batch: DataRecord[]): void {
    const isBlank = (part: Buffer) => part.every((byte) => SPACE.has(byte));
    if (this.#row === 0 && [...this.#pieces, piece].every(isBlank)) return;
    batch.push(this.#element(piece, bracket));
  }

  /** @param after the byte that ends the element */
  #element(piece: Buffer, after: number): DataRecord {
    const bytes = this.#pieceBytes === 0 ? piece : Buffer.concat([...this.#pieces, piece]);
    const text = decodeUtf8(bytes, this.#where());
    let record: DataRecord;
    try {
      record = jsonRecord(text, { file: this.#file, row: this.#row + 1 });
    } catch (error) {
      if (error instanceof DataError) this.#refuse(Buffer.concat([bytes, Buffer.of(after)]));
      throw error;
    }
    this.#row++;
    this.#pieces = [];
    this.#pieceBytes = 0;
    this.#elementLine = this.#line;
    return record;
  }

  #where() {
    return { file: this.#file, line: this.#elementLine, row: this.#row + 1 };
  }

  /** Says what is wrong as one would who had read the array from its start. */
  #refuse(bytes: Buffer): never {
    const text = `${this.#row === 0 ? '[' : '[0,'}${decodeUtf8(bytes, this.#where())}`;
    const found = findJsonError(text);
    const before = text.slice(0, found?.offset ?? 0);
    const line = this.#elementLine + (before.match(/\n/g)?.length ?? 0);
    const problem = `invalid JSON: ${found?.message ?? 'the array is not closed'}`;
    throw new DataError({ file: this.#file, line, row: this.#row + 1 }, problem);
  }
}
