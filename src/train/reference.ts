/**
 * Log-probs under a policy that is not being trained: the base, or an adapter at rest. What they are
 * computed for once is kept on disk, since the base does not change from run to run.
 */
import { ReferenceLogProbCache } from '../data/reference-cache.ts';
import type { Engine, RowLogProbs } from '../engine/engine.ts';
import { type Adapter, adapterHash } from '../model/adapter.ts';
import { softTokenCount } from '../model/prompt-pool.ts';
import { UserError } from '../support/errors.ts';
import { type ProgressFactory, silentProgress } from '../support/progress.ts';
import type { EncodedRow } from '../text/encoded-row.ts';
import { Diverged } from './divergence.ts';
import type { RunEnvironment } from './environment.ts';

/**
 * Rows scored together: fixed cuts of a fixed list, each scored whole if any of its rows is missing. What an
 * engine rounds may depend on which rows share a micro-batch, and a run that goes on, with a warm cache or
 * with none, must give its rows the company they had. A row that is known keeps its number: under one
 * reference policy no row may have two.
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
  static async open(
    adapter: Adapter | null,
    environment: Pick<RunEnvironment, 'engine' | 'text' | 'cacheFolder' | 'log'>,
  ): Promise<FixedPolicy> {
    const { engine, text, cacheFolder, log } = environment;
    const cache = await ReferenceLogProbCache.open({
      policy: { engine: engine.identity, ...text.identity, adapter: adapter && adapterHash(adapter) },
      warn: (message) => log?.(`warning: ${message}`),
      ...(cacheFolder === undefined ? {} : { folder: cacheFolder }),
    });
    return new FixedPolicy(engine, adapter, cache);
  }

  /**
   * Log-probs of the rows, taken from the cache where they are known and put there where not.
   *
   * @throws {UserError} for log-probs that are not finite; those of earlier chunks are kept.
   */
  async logProbs(rows: readonly EncodedRow[], options: ScoreOptions): Promise<RowLogProbs> {
    const chunks = Array.from({ length: Math.ceil(rows.length / CHUNK_ROWS) }, (_, at) =>
      rows.slice(at * CHUNK_ROWS, (at + 1) * CHUNK_ROWS),
    );
    const isMissing = (row: EncodedRow) => this.#cache.get(row) === undefined;
    const missing = chunks.filter((chunk) => chunk.some(isMissing));
    const progress = missing.length > 0 ? tokenProgress(missing.flat(), this.#adapter, options) : undefined;
    try {
      for (const chunk of missing) {
        const scores = await this.#engine.score(chunk, this.#adapter, {
          onProgress: (tokens) => progress?.advance(tokens),
          ...signalOf(options),
        });
        checkFinite(scores, (found) => {
          const problem = `${options.label}: the reference policy is of no use: ${found}`;
          return new UserError(problem, { exitCode: 1 });
        });
        for (const [at, row] of chunk.entries()) {
          if (!isMissing(row)) continue;
          this.#cache.put(row, { chosen: scores.chosen[at]!, rejected: scores.rejected[at]! });
        }
        await this.#cache.flush();
      }
    } finally {
      progress?.stop();
    }
    const known = rows.map((row) => this.#cache.get(row)!);
    return {
      chosen: Float64Array.from(known, (row) => row.chosen),
      rejected: Float64Array.from(known, (row) => row.rejected),
    };
  }
}

/**
 * Log-probs under the policy being trained, as it stands, or the base (`null`); nothing is kept.
 *
 * @throws {Diverged} for log-probs that are not finite.
 */
export async function scorePolicy(
  engine: Engine,
  rows: readonly EncodedRow[],
  adapter: Adapter | null,
  options: ScoreOptions,
): Promise<RowLogProbs> {
  const progress = tokenProgress(rows, adapter, options);
  try {
    const scores = await engine.score(rows, adapter, {
      onProgress: (tokens) => progress.advance(tokens),
      ...signalOf(options),
    });
    checkFinite(scores, (found) => new Diverged(`${options.label}: training diverged: ${found}`));
    return scores;
  } finally {
    progress.stop();
  }
}

/** Nothing follows from log-probs that are NaN or infinite. @throws what `failure` makes of what was found. */
function checkFinite({ chosen, rejected }: RowLogProbs, failure: (found: string) => Error): void {
  const at = chosen.findIndex((logp, row) => !Number.isFinite(logp) || !Number.isFinite(rejected[row]));
  if (at !== -1) throw failure(`it gives a row log-probs of ${chosen[at]} and ${rejected[at]}`);
}

function signalOf(options: { readonly signal?: AbortSignal | undefined }): { signal?: AbortSignal } {
  return options.signal ? { signal: options.signal } : {};
}

function tokenProgress(
  rows: readonly EncodedRow[],
  adapter: Adapter | null,
  { label, progress = silentProgress }: ScoreOptions,
) {
  return progress({ label, total: scoredTokenCount(rows, adapter), unit: 'tokens' });
}

/** Tokens as engines count them when they score: a shared prompt, soft prompts among it, twice. */
export function scoredTokenCount(rows: readonly EncodedRow[], adapter: Adapter | null): number {
  const soft = softTokenCount(adapter);
  const tokens = ({ prompt, chosen, rejected }: EncodedRow) =>
    2 * (soft + prompt.length) + chosen.length + rejected.length;
  return rows.reduce((sum, row) => sum + tokens(row), 0);
}
