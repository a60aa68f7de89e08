/** Ctrl-C for commands that can stop cleanly between two steps. */
import { Interrupted } from '../support/errors.ts';

export interface InterruptOptions {
  /** What the command ends with, unless the work has more to say. */
  readonly reason: string;
  /** Said at once, where stopping takes a while. */
  readonly notice?: string;
}

/**
 * Runs `work` with a signal that the first SIGINT or SIGTERM aborts, with an `Interrupted`. The second ends
 * the process at once, as if nobody listened; so does any after the work is done.
 */
export async function interruptible<T>(
  { reason, notice }: InterruptOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const release = () => {
    for (const name of names) process.off(name, stop);
  };
  const stop = () => {
    release();
    // A terminal has just shown ^C, or a progress bar, on the line.
    if (process.stderr.isTTY) process.stderr.write('\n');
    if (notice !== undefined) process.stderr.write(`lifealign: ${notice}\n`);
    controller.abort(new Interrupted(reason));
  };
  for (const name of names) process.on(name, stop);
  try {
    return await work(controller.signal);
  } finally {
    release();
  }
}

/** Milliseconds between the two signals of an input that has ended: time to save what was done. */
const PATIENCE = 15_000;

/** Has this process stop as by Ctrl-C when `input` ends, which it does also where its holder is killed. */
export function stopWithInput(input: NodeJS.ReadStream): void {
  const signal = () => process.kill(process.pid, 'SIGTERM');
  input.once('close', () => {
    signal();
    setTimeout(signal, PATIENCE).unref();
  });
  input.resume();
  // The work alone decides how long the process lives.
  input.unref();
}
