/** The most anonymous memory that this process had resident while it was watched, from a thread of its own. */
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

const STATUS = '/proc/self/status';
const MILLISECONDS = 5;

/** Reads the kernel's number until it is ended; the thread that is measured may be held by the runtime. */
const WATCHER = `
const { readFileSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
const most = new Float64Array(workerData.shared);
setInterval(() => {
  const line = /RssAnon:\\s+(\\d+) kB/.exec(readFileSync(${JSON.stringify(STATUS)}, 'utf8'));
  if (line) most[0] = Math.max(most[0], 1024 * Number(line[1]));
}, ${MILLISECONDS});
`;

/** Returns what gives the peak so far, in bytes, and ends watching; `null` where the system does not say. */
export function watchAnonymousMemory(): () => Promise<number | null> {
  if (!existsSync(STATUS)) return async () => null;
  const shared = new SharedArrayBuffer(8);
  const worker = new Worker(WATCHER, { eval: true, execArgv: [], workerData: { shared } });
  return async () => {
    await worker.terminate();
    return new Float64Array(shared)[0]!;
  };
}
