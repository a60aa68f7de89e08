/** What all engines' open generations have in common, and one for engines that have none of their own. */
import type { Adapter } from '../model/adapter.ts';
import type { Engine, Generated, GenerateOptions, OpenGeneration } from './engine.ts';
import { checkRanges } from './generation-ranges.ts';

/** Calls in work until the end of all. */
export class OpenCalls {
  // A signal for each: one of the whole life would gather a trace of every call.
  readonly #calls = new Map<AbortController, Promise<unknown>>();
  #ended: Error | null = null;

  /**
   * @param signal the caller's
   * @param work rejects when one of the signals aborts
   * @throws the reason of the end, after it
   */
  async run<T>(
    signal: AbortSignal | undefined,
    work: (signals: readonly AbortSignal[]) => Promise<T>,
  ): Promise<T> {
    if (this.#ended) throw this.#ended;
    const call = new AbortController();
    const result = work(signal ? [call.signal, signal] : [call.signal]);
    this.#calls.set(call, result);
    try {
      return await result;
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Gives up what is in work; the first reason counts. */
  end(reason: Error): void {
    this.#ended ??= reason;
    for (const call of this.#calls.keys()) call.abort(this.#ended);
  }

  /** When nothing is in work any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#calls.values());
  }
}

export function closedGeneration(): Error {
  return new Error('the generation was closed');
}

/** For an engine that takes nothing into a batch that runs: each call is a batch of its own. */
export function openByCalls(
  engine: Pick<Engine, 'generate'>,
  adapter: Adapter | null,
  options: Pick<GenerateOptions, 'batchSize'> = {},
): OpenGeneration {
  checkRanges(options);
  const calls = new OpenCalls();
  return {
    generate: (prompts, asked): Promise<readonly Generated[]> =>
      calls.run(asked.signal, (signals) =>
        engine.generate(prompts, adapter, { ...options, ...asked, signal: AbortSignal.any([...signals]) }),
      ),
    async close() {
      calls.end(closedGeneration());
      await calls.settled();
    },
  };
}
