/**
 * Log-probs under a policy that is not being trained: the base, or an adapter at rest. What they are
 * computed for once is kept on disk, since the base does not change from run to run.
 */
import { ReferenceLogProbCache } from '../data/reference-cache.ts';
import type { Engine, RowLogProbs } from '../engine/engine.ts';
import { type Adapter, adapterHash } from '../model/adapter.ts';
import { type ProgressFactory, silentProgress } from '../support/progress.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import type { RunEnvironment } from './environment.ts';

/**
 * Rows scored together. Fixed cuts of a fixed list, each kept whole: rounding may depend on which rows
 * share a batch, and a resumed run must meet the same ones.
 */
const CHUNK_ROWS = 64;

export interface ScoreOptions {
  readonly label: string;
  readonly progress?: ProgressFactory | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class FixedPolicy {
  readonly #engine: Engine;
  readonly #adapter: Adapter | null;
  readonly #cache: ReferenceLogProbCache;

  private constructor(engine: Engine, adapter: Adapter | null, cache: ReferenceLogProbCache) {
    this.#engine = engine;
    this.#adapter = adapter;
    this.#cache = cache;
  }

  /** The base itself (`null`) or the base with an adapter, and what is known of it from earlier runs. */
  static async open(adapter: Adapter | null, environment: RunEnvironment): Promise<FixedPolicy> {
    const { engine, text, cacheFolder, log } = environment;
    const cache = await ReferenceLogProbCache.open({
      policy: { engine: engine.identity, ...text.identity, adapter: adapter && adapterHash(adapter) },
      warn: (message) => log?.(`warning: ${message}`),
      ...(cacheFolder === undefined ? {} : { folder: cacheFolder }),
    });
    return new FixedPolicy(engine, adapter, cache);
  }

  /** Log-probs of the rows, taken from the cache where they are known and put there where not. */
  async logProbs(rows: readonly EncodedRow[], options: ScoreOptions): Promise<RowLogProbs> {
    const missing = rows.filter((row) => this.#cache.get(row) === undefined);
    if (missing.length > 0) await this.#fill(rows, missing, options);
    const known = rows.map((row) => this.#cache.get(row)!);
    return {
      chosen: Float64Array.from(known, (row) => row.chosen),
      rejected: Float64Array.from(known, (row) => row.rejected),
    };
  }

  async #fill(
    rows: readonly EncodedRow[],
    missing: readonly EncodedRow[],
    options: ScoreOptions,
  ): Promise<void> {
    const progress = tokenProgress(missing, options);
    try {
      for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
        const chunk = rows
          .slice(start, start + CHUNK_ROWS)
          .filter((row) => this.#cache.get(row) === undefined);
        if (chunk.length === 0) continue;
        const scores = await this.#engine.score(chunk, this.#adapter, {
          onProgress: (tokens) => progress.advance(tokens),
          ...signalOf(options),
        });
        for (const [at, row] of chunk.entries()) {
          this.#cache.put(row, { chosen: scores.chosen[at]!, rejected: scores.rejected[at]! });
        }
        await this.#cache.flush();
      }
    } finally {
      progress.stop();
    }
  }
}

/** Log-probs under a policy that will not be met again: nothing is kept. */
export async function scorePolicy(
  engine: Engine,
  rows: readonly EncodedRow[],
  adapter: Adapter,
  options: ScoreOptions,
): Promise<RowLogProbs> {
  const progress = tokenProgress(rows, options);
  try {
    return await engine.score(rows, adapter, {
      onProgress: (tokens) => progress.advance(tokens),
      ...signalOf(options),
    });
  } finally {
    progress.stop();
  }
}

function signalOf(options: { readonly signal?: AbortSignal | undefined }): { signal?: AbortSignal } {
  return options.signal ? { signal: options.signal } : {};
}

/** Tokens as the engine counts them: a shared prompt twice. */
function tokenProgress(rows: readonly EncodedRow[], { label, progress = silentProgress }: ScoreOptions) {
  const tokens = (row: EncodedRow) => 2 * row.prompt.length + row.chosen.length + row.rejected.length;
  const total = rows.reduce((sum, row) => sum + tokens(row), 0);
  return progress({ label, total, unit: 'tokens' });
}
