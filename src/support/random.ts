/**
 * The one source of randomness: xoroshiro128+ seeded through SHA-256, so that neighbouring seeds give
 * unrelated streams. Whatever is shuffled, sampled or initialised draws from a generator forked by
 * name, so that adding a draw in one place leaves every other place's numbers as they were.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { sha256 } from './hash.ts';

type Generator = ReturnType<typeof xoroshiro128plusFromState>;

export class Random {
  /** Decides the start and the forks. */
  readonly #key: string;
  readonly #generator: Generator;

  private constructor(key: string) {
    const bytes = Buffer.from(key, 'hex');
    this.#key = key;
    this.#generator = xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => bytes.readInt32LE(offset)));
  }

  static fromSeed(seed: number): Random {
    return new Random(sha256(['seed', String(seed)]));
  }

  /**
   * An independent generator decided by this one's seed and `label` alone, however many numbers were
   * drawn so far.
   */
  fork(label: string): Random {
    return new Random(sha256(['fork', this.#key, label]));
  }

  /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
  uniform(): number {
    return uniformFloat64(this.#generator);
  }

  /** A uniform integer in [0, n). */
  integer(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`integer(n) needs n >= 1, got ${n}`);
    return uniformInt(this.#generator, 0, n - 1);
  }

  /** A shuffled copy. [Fisher–Yates; Knuth, TAOCP vol. 2, algorithm 3.4.2P] */
  shuffle<T>(items: readonly T[]): T[] {
    return this.#shuffled(items, items.length);
  }

  /** `count` different items in random order: the first `count` steps of the shuffle. */
  sample<T>(items: readonly T[], count: number): T[] {
    if (!Number.isSafeInteger(count) || count < 0 || count > items.length) {
      throw new RangeError(`cannot draw ${count} of ${items.length} items`);
    }
    return this.#shuffled(items, count).slice(0, count);
  }

  #shuffled<T>(items: readonly T[], steps: number): T[] {
    const result = [...items];
    for (let i = 0; i < Math.min(steps, result.length - 1); i++) {
      const j = i + this.integer(result.length - i);
      const picked = result[j] as T;
      result[j] = result[i] as T;
      result[i] = picked;
    }
    return result;
  }
}
