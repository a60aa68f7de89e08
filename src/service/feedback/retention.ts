/** Deletes, at the start and every hour, what the policy keeps no longer. */
import { errorFields, type Logger } from '../http/log.ts';
import { eraseOld } from './erase.ts';
import type { FeedbackStore } from './feedback-store.ts';

const HOUR = 3_600_000;

export function startRetention({ store, policy }: FeedbackStore, logger: Logger): { stop(): void } {
  const run = () => {
    eraseOld(store, policy).then(
      (erased) => {
        if (erased.completions + erased.feedback > 0) logger.info(erased, 'deleted by age');
      },
      (error: unknown) => logger.error(errorFields(error), 'what is too old could not be deleted'),
    );
  };
  run();
  const timer = setInterval(run, HOUR);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
