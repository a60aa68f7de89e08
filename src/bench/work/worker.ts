/** A process that does runs (serve.ts), seen from the bench. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { UserError } from '../../support/errors.ts';
import { packageFolder } from '../../support/version.ts';
import type { Ending, FromWorker, RunOrder, ToWorker } from './messages.ts';

/** The command line's hidden command that serves. */
export const WORKER_COMMAND = 'bench-worker';

export interface RunListener {
  versions(versions: Readonly<Record<string, string>>): void;
  /** What is being done now. */
  at(label: string): void;
  warning(line: string): void;
}

export class Worker {
  readonly #child: ChildProcess;
  readonly #end: Promise<string>;
  #errors = '';

  constructor() {
    const command = join(packageFolder, 'bin', 'lifealign.js');
    this.#child = fork(command, [WORKER_COMMAND], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    this.#end = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      // Not `close`, which does not come after a disconnect.
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  /**
   * One run at a time.
   * @throws {UserError} if the process ends before the run does, as the system may end it when memory runs out.
   */
  async run(order: RunOrder, listener: RunListener): Promise<Ending> {
    let settle: (ending: Ending) => void = () => {};
    const ended = new Promise<Ending>((resolve) => {
      settle = resolve;
    });
    const listen = (message: FromWorker) => {
      if (message.kind === 'ended') settle(message.ending);
      else if (message.kind === 'versions') listener.versions(message.versions);
      else if (message.kind === 'at') listener.at(message.label);
      else listener.warning(message.line);
    };
    this.#child.on('message', listen);
    try {
      this.#send({ kind: 'run', order });
      return await Promise.race([ended, this.#lost()]);
    } finally {
      this.#child.off('message', listen);
    }
  }

  /** Asks the run under way to save itself and stop. */
  stop(): void {
    this.#send({ kind: 'stop' });
  }

  /** Ends the process, which does nothing any more. */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#end;
  }

  #send(message: ToWorker): void {
    // What cannot be sent went to a process that is gone, which `run` is told of.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  async #lost(): Promise<never> {
    const how = await this.#end;
    const said = this.#errors.trim();
    throw new UserError(`a process of the bench ended with ${how}${said === '' ? '' : `: ${said}`}`, {
      exitCode: 1,
    });
  }
}
