/** `lifealign serve` as a process of its own, to be loaded and killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/lifealign.js', import.meta.url));

export interface ServiceProcess {
  readonly url: string;
  readonly pid: number;
  /** Without any chance to finish. Resolves when it is gone. */
  kill(): Promise<void>;
  /** In order. Resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** @param databaseUrl PostgreSQL in place of the file that `args` name */
export async function spawnService(args: readonly string[], databaseUrl?: string): Promise<ServiceProcess> {
  const command = [BIN, 'serve', '--port', '0', '--rate-limit', '0', '--log-level', 'warn', ...args];
  const env = { ...process.env, DATABASE_URL: databaseUrl ?? '' };
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const gone = new Promise<number | null>((resolve) => child.on('exit', resolve));
  return {
    url: await listeningUrl(child, gone),
    pid: child.pid as number,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    stop() {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

async function listeningUrl(child: ChildProcess, gone: Promise<number | null>): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const first = await Promise.race([line, gone.then((code) => `ended with ${code}`)]);
  const url = /^listening on (http:\S+)$/.exec(first)?.[1];
  if (url === undefined) throw new Error(`lifealign serve: ${first}`);
  return url;
}
