/** The command line as its users meet it: in this process with its output caught, or in one of its own. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { main } from '../../src/cli/main.ts';

const repository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const BIN = repository('bin/lifealign.js');
/** A model of two layers with tokenizer, chat template and adapters of every module. */
export const MODEL = repository('test/parity/fixtures/models/untied-gqa');
/** Five valid rows. */
export const ROWS = repository('test/parity/fixtures/rows.json');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `lifealign` with these arguments in this process. */
export async function lifealign(...args: string[]): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  try {
    return { code: await main(args), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Runs `lifealign` as a process of its own; with `fileBlocks`, no file it writes can grow past so many KiB. */
export function spawnLifealign(args: readonly string[], fileBlocks?: number): Ended {
  const command = [process.execPath, BIN, ...args];
  // With its signal ignored the kernel cuts a write short and refuses the rest, as a disk that fills up does.
  const limited = ['bash', '-c', `trap '' XFSZ; ulimit -f ${fileBlocks}; exec "$@"`, 'bash', ...command];
  const [program, ...rest] = fileBlocks === undefined ? command : limited;
  // The loader's cache of compiled sources is no part of this, and would be left with files cut short.
  const env = fileBlocks === undefined ? process.env : { ...process.env, TSX_DISABLE_CACHE: '1' };
  const { status, stdout, stderr } = spawnSync(program!, rest, { encoding: 'utf8', env });
  return { code: status, stdout, stderr };
}

/** `score` of `ROWS` under `MODEL`, on an engine. */
export function scoreOn(engine: string, output: string): Promise<Ended> {
  return lifealign('score', '--model', MODEL, '--data', ROWS, '--output', output, '--engine', engine);
}

/** Every file and folder below, the cache aside; paths from `folder`. */
export function contents(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => path !== 'cache' && !path.startsWith('cache/'))
    .sort();
}
