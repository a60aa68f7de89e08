/** Counts over more rows than memory has room for texts: a few bytes a row. */
import { createHash } from 'node:crypto';

/** A number of 52 bits that stands for a text; two of ten million texts share one with a chance of one in ninety. */
export function textNumber(text: string): number {
  const hash = createHash('sha256').update(text).digest();
  return hash.readUIntBE(0, 6) * 16 + (hash.readUInt8(6) >> 4);
}

/** Numbers, as they come. */
export class Numbers {
  #values = new Float64Array(1024);
  #count = 0;

  push(value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count++] = value;
  }

  get count(): number {
    return this.#count;
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.#count).sort();
  }

  /** How many there are beyond the first of each. */
  repeated(): number {
    const sorted = this.sorted();
    let repeated = 0;
    for (let at = 1; at < sorted.length; at++) if (sorted[at] === sorted[at - 1]) repeated++;
    return repeated;
  }
}

/** Nearest-rank quantiles of a list of lengths. */
export interface LengthSummary {
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Null for no lengths. */
export function summariseLengths(lengths: Numbers): LengthSummary | null {
  if (lengths.count === 0) return null;
  const sorted = lengths.sorted();
  const quantile = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
  return { min: quantile(0), p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: quantile(1) };
}
