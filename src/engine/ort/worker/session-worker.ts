/** A thread that opens and runs sessions for the engine, one request after another. The counterpart of lane.ts. */
import { parentPort } from 'node:worker_threads';
import { type Feed, type OrtSession, type Outputs, openSession } from '../open-session.ts';
import type { WorkerReply, WorkerRequest } from './protocol.ts';

const port = parentPort;
if (!port) throw new Error('session-worker.ts is a worker thread');

const sessions = new Map<number, OrtSession>();
/** Inputs that never change, by name: all graphs of an engine mean the same by a name. */
const constants: Record<string, Feed> = {};

async function answer(request: WorkerRequest): Promise<Outputs> {
  if (request.kind === 'open') {
    sessions.set(request.session, await openSession(request.graphs, request.options));
    return {};
  }
  const session = sessions.get(request.session);
  if (!session) throw new Error(`the worker has no session ${request.session}`);
  if (request.kind === 'release') {
    sessions.delete(request.session);
    await session.release();
    return {};
  }
  const { feeds, kept, options } = request;
  for (const [name, feed] of Object.entries(feeds)) if (feed.constant) constants[name] = feed;
  const known = Object.fromEntries(kept.map((name) => [name, constants[name]!]));
  return session.run({ ...feeds, ...known }, options);
}

// Requests wait for each other: the runtime holds the thread while it works, and a session's must not overtake
// the one that opens it.
let last: Promise<void> = Promise.resolve();
port.on('message', (request: WorkerRequest) => {
  last = last.then(async () => {
    try {
      const outputs = await answer(request);
      const buffers = new Set(Object.values(outputs).map(({ buffer }) => buffer as ArrayBuffer));
      port.postMessage({ id: request.id, outputs } satisfies WorkerReply, [...buffers]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ id: request.id, error: message } satisfies WorkerReply);
    }
  });
});
