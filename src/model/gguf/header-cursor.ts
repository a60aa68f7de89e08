/**
 * Reads a GGUF header front to back through a window of the file, never past its end and never
 * believing a length before it is checked: a lying header costs an error message, not memory.
 */
import { readSync } from 'node:fs';
import { UserError } from '../../support/errors.ts';

const WINDOW_BYTES = 1 << 20;

/** Longer strings than this occur in no real file; the longest are chat templates. */
const MAX_STRING_BYTES = 16 << 20;

export class HeaderCursor {
  readonly path: string;
  readonly #descriptor: number;
  readonly #fileSize: number;
  readonly #text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #window = Buffer.alloc(0);
  /** Where the window starts in the file, and how far into it the cursor is. */
  #windowStart = 0;
  #at = 0;

  constructor(path: string, descriptor: number, fileSize: number) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#fileSize = fileSize;
  }

  get position(): number {
    return this.#windowStart + this.#at;
  }

  get remaining(): number {
    return this.#fileSize - this.position;
  }

  /** The error for something wrong at `field`, a name a reader of the file would recognise. */
  fail(field: string, problem: string): never {
    throw new UserError(`${this.path}: ${field}: ${problem}`);
  }

  uint8(field: string): number {
    const at = this.#take(1, field);
    return this.#window.readUInt8(at);
  }

  int8(field: string): number {
    const at = this.#take(1, field);
    return this.#window.readInt8(at);
  }

  uint16(field: string): number {
    const at = this.#take(2, field);
    return this.#window.readUInt16LE(at);
  }

  int16(field: string): number {
    const at = this.#take(2, field);
    return this.#window.readInt16LE(at);
  }

  uint32(field: string): number {
    const at = this.#take(4, field);
    return this.#window.readUInt32LE(at);
  }

  int32(field: string): number {
    const at = this.#take(4, field);
    return this.#window.readInt32LE(at);
  }

  float32(field: string): number {
    const at = this.#take(4, field);
    return this.#window.readFloatLE(at);
  }

  float64(field: string): number {
    const at = this.#take(8, field);
    return this.#window.readDoubleLE(at);
  }

  uint64(field: string): bigint {
    const at = this.#take(8, field);
    return this.#window.readBigUInt64LE(at);
  }

  int64(field: string): bigint {
    const at = this.#take(8, field);
    return this.#window.readBigInt64LE(at);
  }

  /** A 64-bit count of things of at least `bytesEach` bytes, all of which must still be in the file. */
  count(field: string, bytesEach: number): number {
    const count = this.uint64(field);
    if (count > BigInt(Math.floor(this.remaining / bytesEach))) {
      this.fail(field, `${count} don't fit in the ${this.remaining} bytes that follow; truncated or damaged`);
    }
    return Number(count);
  }

  string(field: string): string {
    const length = this.count(`length of ${field}`, 1);
    if (length > MAX_STRING_BYTES)
      this.fail(field, `a string of ${length} bytes; expected at most ${MAX_STRING_BYTES}`);
    const at = this.#take(length, field);
    try {
      return this.#text.decode(this.#window.subarray(at, at + length));
    } catch {
      return this.fail(field, 'not valid UTF-8');
    }
  }

  /** Moves over `length` bytes and returns where they start in the window. */
  #take(length: number, field: string): number {
    if (length > this.remaining) {
      this.fail(field, `the file ends at byte ${this.#fileSize}, inside this field; it was truncated`);
    }
    if (this.#at + length > this.#window.length) this.#refill(length, field);
    const at = this.#at;
    this.#at += length;
    return at;
  }

  #refill(length: number, field: string): void {
    const start = this.position;
    const window = Buffer.alloc(Math.min(Math.max(length, WINDOW_BYTES), this.#fileSize - start));
    for (let done = 0; done < window.length; ) {
      const count = readSync(this.#descriptor, window, done, window.length - done, start + done);
      if (count === 0) this.fail(field, 'the file became shorter while it was read');
      done += count;
    }
    this.#window = window;
    this.#windowStart = start;
    this.#at = 0;
  }
}
