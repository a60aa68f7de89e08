/**
 * Starts the worker's processes and speaks with rank 0 over a socket in a folder that only this user can enter.
 * Whatever ends one of the two sides ends the other: the worker notices the socket's end, the host the process's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { UserError } from '../../support/errors.ts';
import { version } from '../../support/version.ts';
import { WorkerConnection } from './connection.ts';
import type { Frame } from './frames.ts';
import { checkHello, PROTOCOL } from './messages.ts';

export interface WorkerCommand {
  readonly program: string;
  /** The socket's path is put behind them. */
  readonly args: readonly string[];
  /** Put in front of Python's search path; null where the environment has the worker's package. */
  readonly packageFolder: string | null;
  readonly env?: Readonly<Record<string, string>>;
}

export interface WorkerProcess {
  readonly connection: WorkerConnection;
  /** What the worker said of itself when it was ready. */
  readonly ready: Frame['header'];
  close(): Promise<void>;
}

/** Time for Python to start; what takes long, loading torch and the model, comes after the greeting. */
const GREETING_MS = 120_000;
/** Time for the process to end by itself after the connection has. */
const END_MS = 5_000;
/** Of what the worker writes on standard error, kept for messages. */
const KEPT_OUTPUT = 4_000;

/**
 * Starts it, and waits until its model is loaded.
 * @throws {UserError} with the end of what it wrote, where it cannot start, refuses, or ends before it is ready
 */
export async function startWorker(command: WorkerCommand, signal?: AbortSignal): Promise<WorkerProcess> {
  signal?.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'lifealign-'));
  const path = join(folder, 'worker.sock');
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    const child = new Child(command, path);
    const abort = () => child.kill();
    signal?.addEventListener('abort', abort);
    try {
      const connection = await greet(server, child);
      server.close();
      const { header } = await connection.receive('ready');
      return {
        connection,
        ready: header,
        close: async () => {
          connection.fail(new Error('the engine was closed'));
          await child.ended(END_MS);
          child.kill();
        },
      };
    } catch (error) {
      child.kill();
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  } finally {
    server.close();
    // Connected sockets need their name no more.
    await removeFolder();
  }
}

async function greet(server: ReturnType<typeof createServer>, child: Child): Promise<WorkerConnection> {
  const socket = await Promise.race([
    new Promise<Socket>((resolve) => server.once('connection', resolve)),
    child.failed(),
    timeout(GREETING_MS, 'did not start'),
  ]);
  const connection = new WorkerConnection(socket, () => child.lastWords());
  const hello = await Promise.race([connection.receive('hello'), timeout(GREETING_MS, 'said no hello')]);
  connection.send({ type: 'hello', protocol: PROTOCOL, version });
  try {
    checkHello(hello);
  } catch (error) {
    connection.fail(error as Error);
    throw error;
  }
  return connection;
}

function timeout(milliseconds: number, problem: string): Promise<never> {
  return new Promise((_, reject) => {
    const error = new UserError(`the torch worker ${problem} within ${milliseconds / 1000} s`, {
      exitCode: 1,
    });
    setTimeout(() => reject(error), milliseconds).unref();
  });
}

/** The process that starts the ranks, or the only rank itself; with those it starts, a process group. */
class Child {
  readonly #process: ChildProcess;
  readonly #end: Promise<string>;
  #output = '';
  #hasEnded = false;
  readonly #killAtExit = () => this.kill();

  constructor({ program, args, packageFolder, env }: WorkerCommand, socket: string) {
    const searchPath = [packageFolder, process.env['PYTHONPATH']].filter(Boolean).join(delimiter);
    this.#process = spawn(program, [...args, '--socket', socket], {
      // A group of its own: Ctrl-C is the host's to handle.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...QUIET, ...env, ...(searchPath === '' ? {} : { PYTHONPATH: searchPath }) },
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    });
    process.once('exit', this.#killAtExit);
    this.#end = new Promise((resolve) => {
      const end = (how: string) => {
        this.#hasEnded = true;
        process.off('exit', this.#killAtExit);
        resolve(how);
      };
      this.#process.once('error', (error) => end(`could not be started: ${error.message}`));
      // Not `exit`: what was written last is still to be read.
      this.#process.once('close', (code, signal) =>
        end(signal ? `was ended by ${signal}` : `ended (${code})`),
      );
    });
  }

  /** Rejects when it ends. */
  async failed(): Promise<never> {
    const how = await this.#end;
    throw new UserError(`the torch worker ${how}${this.#said()}`, { exitCode: 1 });
  }

  /** Lets it end, or ends it, and gives what it wrote last. */
  async lastWords(): Promise<string> {
    await this.ended(END_MS);
    this.kill();
    return this.#said();
  }

  /** Waits for its end, for so long at most. */
  async ended(milliseconds: number): Promise<void> {
    const wait = new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
    await Promise.race([this.#end, wait]);
  }

  kill(): void {
    const { pid } = this.#process;
    if (this.#hasEnded || pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended in the meantime.
    }
  }

  #said(): string {
    const text = this.#output.trim();
    return text === '' ? '' : `\nThe worker's last words:\n${text}`;
  }
}

/** Models are local folders; nothing is to be looked up, and nothing but errors to be read. */
const QUIET = {
  HF_HUB_OFFLINE: '1',
  TRANSFORMERS_VERBOSITY: 'error',
  TOKENIZERS_PARALLELISM: 'false',
  PYTHONUNBUFFERED: '1',
};
