/**
 * A worker thread that runs sessions, seen from the engine: the runtime holds the thread that calls it, so
 * several micro-batches at a time need a thread each. Sessions of all lanes map the same weight files.
 */
import { Worker } from 'node:worker_threads';
import {
  type EmittedGraph,
  type Feed,
  type Feeds,
  feedOf,
  type OrtSession,
  type Outputs,
  type RunSettings,
  type SessionOptions,
} from '../open-session.ts';
import type { WorkerReply, WorkerRequest, WorkerStart } from './protocol.ts';

/** Lets Node read TypeScript first where the worker is started from sources. */
const BOOTSTRAP = `
const { entry, loader } = require('node:worker_threads').workerData;
const ready = loader ? import(loader).then(({ register }) => register()) : Promise.resolve();
ready.then(() => import(entry));
`;

type Question = WorkerRequest extends infer Request
  ? Request extends WorkerRequest
    ? Omit<Request, 'id'>
    : never
  : never;

interface Waiting {
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (error: Error) => void;
}

export class Lane {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  /** Constant inputs that the worker has. */
  readonly #kept = new Map<string, Feed>();
  #count = 0;
  #failure: Error | undefined;

  constructor() {
    this.#worker = new Worker(BOOTSTRAP, { eval: true, execArgv: [], workerData: workerStart() });
    this.#worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) =>
      this.#fail(new Error(`a worker of the engine ended with code ${code}`)),
    );
    // An engine that nobody closed does not keep the process alive; work under way does.
    this.#worker.unref();
  }

  async open(graphs: readonly EmittedGraph[], options: SessionOptions): Promise<OrtSession> {
    const session = this.#count;
    await this.#ask({ kind: 'open', session, graphs, options });
    return {
      run: (feeds, run = {}) => this.#run(session, graphs[run.graph ?? 0]!, feeds, run),
      release: async () => {
        if (!this.#failure) await this.#ask({ kind: 'release', session });
      },
    };
  }

  async close(): Promise<void> {
    this.#failure ??= new Error('the engine was closed');
    await this.#worker.terminate();
  }

  #run(session: number, { inputs }: EmittedGraph, feeds: Feeds, options: RunSettings): Promise<Outputs> {
    const sent: Record<string, Feed> = {};
    const kept: string[] = [];
    for (const name of inputs) {
      const feed = feedOf(feeds, name);
      if (feed.constant && this.#kept.get(name) === feed) kept.push(name);
      else sent[name] = feed;
    }
    const outputs = this.#ask({ kind: 'run', session, feeds: sent, kept, options });
    for (const [name, feed] of Object.entries(sent)) if (feed.constant) this.#kept.set(name, feed);
    return outputs;
  }

  #ask(question: Question): Promise<Outputs> {
    if (this.#failure) return Promise.reject(this.#failure);
    const id = this.#count++;
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...question });
    });
  }

  #settle(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('error' in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.outputs);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** Beside this module lies the worker's: in a checkout as TypeScript, in the published package as built. */
function workerStart(): WorkerStart {
  const isSource = import.meta.url.endsWith('.ts');
  if (!isSource) return { entry: new URL('./session-worker.js', import.meta.url).href, loader: null };
  return {
    entry: new URL('./session-worker.ts', import.meta.url).href,
    loader: import.meta.resolve('tsx/esm/api'),
  };
}
