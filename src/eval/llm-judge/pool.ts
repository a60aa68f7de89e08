/** Works on items a few at a time, in order; on trouble nothing new starts and what runs may end. */
import type { Control } from './sender.ts';

/**
 * @returns the results in the items' order.
 * @throws the first error of `work`, once all that was under way has ended; after an abort the signal's reason.
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  signal: AbortSignal | undefined,
  work: (item: Item, index: number, control: Control) => Promise<Result>,
): Promise<Result[]> {
  signal?.throwIfAborted();
  const stopper = new AbortController();
  const control = { signal, stop: stopper.signal };
  const results = new Array<Result>(items.length);
  const onAbort = () => stopper.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  let next = 0;
  const run = async () => {
    while (next < items.length && !stopper.signal.aborted) {
      const index = next++;
      results[index] = await work(items[index]!, index, control);
    }
  };
  const workers = Array.from({ length: Math.min(concurrency, items.length) }, () =>
    // The first reason stays; what the others then reject with follows from it.
    run().catch((error: unknown) => stopper.abort(error)),
  );
  try {
    await Promise.all(workers);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  stopper.signal.throwIfAborted();
  return results;
}
