/**
 * A process that does one run after another, as the bench that started it says. It ends with the bench, however that
 * ends; what was under way has its checkpoints.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Interrupted, UserError } from '../../support/errors.ts';
import { folderOwner } from '../../support/folder-lock.ts';
import type { ProgressFactory } from '../../support/progress.ts';
import { answeringBaseOnce } from '../../train/base-answers.ts';
import type { RunConfig } from '../../train/config/schema.ts';
import { Diverged } from '../../train/divergence.ts';
import { type ModelEnvironment, openModelEnvironment } from '../../train/model-environment.ts';
import { runStream } from '../../train/stream.ts';
import type { Ending, FromWorker, RunOrder, ToWorker } from './messages.ts';

/** Milliseconds that the worker of a bench that was killed is given to notice it. */
const PATIENCE = 20_000;

/** Serves until the other side is gone. To be called in a process with a channel to its parent. */
export function serveRuns(): Promise<never> {
  if (!process.send) throw new UserError('this command is for `bench` alone, which starts it');
  const say = (message: FromWorker) => void process.send?.(message);
  const model = new OpenModel((line) => say({ kind: 'warning', line }));
  let current = new AbortController();
  // A terminal's Ctrl-C reaches this process as well; what is to be done about it the bench decides.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => {});
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'stop') return current.abort(new Interrupted('stopped'));
    current = new AbortController();
    const { signal } = current;
    void endingOf(() => runOne(message.order, model, signal, say)).then((ending) =>
      say({ kind: 'ended', ending }),
    );
  });
  return new Promise(() => {});
}

async function runOne(
  { config, origin, folder, threads }: RunOrder,
  model: OpenModel,
  signal: AbortSignal,
  say: (message: FromWorker) => void,
): Promise<void> {
  const progress: ProgressFactory = ({ label }) => {
    say({ kind: 'at', label });
    return { advance() {}, stop() {} };
  };
  const log = (line: string) => {
    if (line.startsWith('warning')) say({ kind: 'warning', line });
  };
  await freeOf(folder, signal);
  const environment = await model.open(config, threads);
  say({ kind: 'versions', versions: environment.versions });
  signal.throwIfAborted();
  await runStream(config, {
    ...environment,
    configFile: origin,
    outputFolder: folder,
    resume: true,
    signal,
    progress,
    log,
  });
}

/** The worker of a bench that was just killed may still be there: it has a moment to go. */
async function freeOf(folder: string, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < PATIENCE && (await folderOwner(folder)); waited += 100) {
    signal.throwIfAborted();
    await wait(100);
  }
}

async function endingOf(work: () => Promise<void>): Promise<Ending> {
  try {
    await work();
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof Interrupted) return { kind: 'stopped' };
    if (error instanceof Diverged) return { kind: 'diverged', problem: error.message };
    if (error instanceof UserError)
      return { kind: 'refused', problem: error.message, exitCode: error.exitCode };
    return { kind: 'failed', stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** The last run's base stays open for the next. */
class OpenModel {
  readonly #log: (line: string) => void;
  #open: { readonly key: string; readonly environment: ModelEnvironment } | undefined;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  async open({ base, engine }: RunConfig, threads: number | undefined): Promise<ModelEnvironment> {
    const key = JSON.stringify([base, engine, threads]);
    if (this.#open?.key === key) return this.#open.environment;
    await this.#open?.environment.engine.close();
    this.#open = undefined;
    const opened = await openModelEnvironment(base, {
      log: this.#log,
      engine,
      ...(threads === undefined ? {} : { threads }),
    });
    const environment = { ...opened, answer: answeringBaseOnce(opened.answer) };
    this.#open = { key, environment };
    return environment;
  }
}
