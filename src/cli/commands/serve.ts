/** `lifealign serve`: the service, from its flags to its end by Ctrl-C or SIGTERM. */
import type { Command } from 'commander';
import type { ChatBackend } from '../../service/chat/backend.ts';
import type { MeasureDrop } from '../../service/memories/change.ts';
import { UserError } from '../../support/errors.ts';
import { silentProgress } from '../../support/progress.ts';
import { interruptible } from '../interrupt.ts';
import {
  addServeFlags,
  checkServeFlags,
  learnerSettings,
  type ServeFlags,
  serviceSettings,
} from '../serve/flags.ts';
import { openServiceStore } from '../service-store.ts';

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .description('an OpenAI-compatible service: answers, feedback on them, and its review');
  addServeFlags(command).action(serve);
}

async function serve(flags: ServeFlags, command: Command): Promise<void> {
  checkServeFlags(flags, command);
  const { LOG_LEVELS, createLogger } = await import('../../service/http/log.ts');
  const level = LOG_LEVELS.find((known) => known === flags.logLevel);
  if (level === undefined) {
    throw new UserError(`--log-level ${flags.logLevel}: expected ${LOG_LEVELS.join(', ')}`);
  }
  const settings = serviceSettings(flags);
  const learning = await learnerSettings(flags);
  const { openBackend } = await import('../serve/backend.ts');
  const { startService } = await import('../../service/service.ts');
  const { keepAll, loadRedact } = await import('../../service/feedback/redact.ts');
  const redact = flags.redact === undefined ? keepAll : await loadRedact(flags.redact);
  const logger = createLogger(level);
  const store = await openServiceStore(flags.store);
  let backend: ChatBackend | null = null;
  try {
    const opened = await openBackend(flags, { store, logger, learning });
    backend = opened.backend;
    const learner = opened.learner === null ? {} : { learner: opened.learner };
    const { memories } = opened;
    const measureDrop = measureDropWith(flags);
    const parts = { backend, memories, measureDrop, store, logger, redact, ...learner };
    const service = await startService({ ...parts, ...settings });
    process.stdout.write(`listening on ${service.url}\n`);
    const notice = 'ending; what is at work is finished first (again: at once)';
    await interruptible({ reason: 'ended', notice }, (signal) => ended(signal));
    await service.stop(settings.shutdownTimeout);
  } catch (error) {
    await backend?.close();
    await store.close();
    throw error;
  }
}

/** With a base of its own for as long as that takes: the one that answers is not held up. */
function measureDropWith({ threads }: ServeFlags): MeasureDrop {
  return async (store, plan, signal) => {
    const { measureDrop } = await import('../memory-measuring.ts');
    return measureDrop(store, plan, { threads, signal, progress: silentProgress });
  };
}

/** Resolves: to be told to end is how a service ends. */
function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
