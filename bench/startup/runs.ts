/** Processes of the command line, each with a clock from its start to what one waits for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { writeFileAtomic, writeJsonFile } from '../../src/support/atomic-file.ts';
import { run } from '../shared/child.ts';

const COMMAND = fileURLToPath(new URL('../../bin/lifealign.js', import.meta.url));
const PAIRS = [
  {
    query: 'Can I return a lamp that I bought three weeks ago?',
    chosen: 'Yes. Within 30 days you can return it with the receipt, and we refund the full price.',
    rejected: 'Read the conditions on our page.',
  },
  {
    query: 'How do I clean a wooden table?',
    chosen: 'Wipe it with a damp cloth and dry it at once; a little oil twice a year keeps it well.',
    rejected: 'With water.',
  },
];
const POLL_MILLISECONDS = 5;

/** Paths of what the commands read. */
export interface StartupFiles {
  readonly config: string;
  readonly pair: string;
}

export async function writeStartupFiles(base: string, folder: string): Promise<StartupFiles> {
  const [config, pair, pairs] = ['config.yaml', 'pair.json', 'pairs.json'].map((name) => join(folder, name));
  await writeJsonFile(pairs!, PAIRS);
  await writeJsonFile(pair!, PAIRS.slice(0, 1));
  const settings = {
    base,
    method: 'seqft',
    tasks: [{ name: 'short', train: pairs, test: pairs, test_rows: 1 }],
    stages: { sft: { epochs: 1, batch_size: 1 }, preference: { epochs: 0 } },
    generation: { samples: 0 },
    general: null,
  };
  await writeFileAtomic(config!, stringify(settings));
  return { config: config!, pair: pair! };
}

/** From `lifealign train` to the step log's first line, which is written when the step is done. */
export async function secondsToFirstStep(config: string, output: string, threads: number): Promise<number> {
  const start = performance.now();
  const args = [COMMAND, 'train', config, '--output-dir', output, '--threads', String(threads)];
  const child = execa(process.execPath, args, { reject: false });
  const log = join(output, 'steps.jsonl');
  while (child.exitCode === null && !(await hasLine(log))) await sleep(POLL_MILLISECONDS);
  const seconds = (performance.now() - start) / 1000;
  const { exitCode, stderr } = await child;
  if (exitCode !== 0) throw new Error(`lifealign train: exit code ${exitCode}\n${stderr}`);
  return seconds;
}

async function hasLine(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.includes('\n');
}

/** From `lifealign score` to its end. */
export async function secondsToScore(
  model: string,
  pair: string,
  output: string,
  threads: number,
): Promise<number> {
  const start = performance.now();
  const files = ['--model', model, '--data', pair, '--output', output];
  await run(process.execPath, [COMMAND, 'score', ...files, '--threads', String(threads)]);
  return (performance.now() - start) / 1000;
}
