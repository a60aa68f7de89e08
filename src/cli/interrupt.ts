/** Ctrl-C for commands that can stop cleanly between two steps. */
import { Interrupted } from '../support/errors.ts';

/**
 * A signal for long work. The first SIGINT or SIGTERM aborts it, with an `Interrupted` that says
 * `advice` (how to go on); the second ends the process at once, as if nobody listened.
 */
export function interruptSignal(advice: string): AbortSignal {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM'] as const;
  const stop = () => {
    for (const name of names) process.off(name, stop);
    process.stderr.write('\nlifealign: stopping after this step (once more to stop at once)\n');
    controller.abort(new Interrupted(`interrupted; ${advice}`));
  };
  for (const name of names) process.on(name, stop);
  return controller.signal;
}
