/**
 * Keeps what statistics need of finished runs, so that an experiment can grow over many sittings: the test rows'
 * log-probs (no texts), the config and the summary. `lifealign compare` reads what is kept as it reads runs.
 *
 *     npx tsx experiments/real/keep.ts <experiment> NAME=RUN...
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { makeFolder, writeFileAtomic } from '../../src/support/atomic-file.ts';

const results = join(dirname(fileURLToPath(import.meta.url)), 'results');

/** Rows of numbers, a line each: a fifth of the size, and still to be read by people. */
function compact(text: string): string {
  const content: unknown = JSON.parse(text);
  if (!Array.isArray(content)) return text;
  return `[\n${content.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
}

/** Where files lay on the machine that ran it says nothing; their hashes do. */
function withoutPaths(text: string): string {
  const config = parse(text);
  const name = (path: string) => path.replace(/^.*\/runs\/data\//, 'runs/data/');
  const tasks = config.tasks.map((task: { train: string; test: string }) => ({
    ...task,
    train: name(task.train),
    test: name(task.test),
  }));
  return stringify({ ...config, tasks });
}

async function keep(run: string, target: string): Promise<void> {
  const files = await readdir(run, { recursive: true });
  for (const file of files.filter((one) =>
    /^(config\.yaml|summary\.json|tasks\/[^/]+\/scores\/.*\.json)$/.test(one),
  )) {
    const text = await readFile(join(run, file), 'utf8');
    await makeFolder(dirname(join(target, file)));
    await writeFileAtomic(join(target, file), file === 'config.yaml' ? withoutPaths(text) : compact(text));
  }
}

const [experiment = '', ...runs] = process.argv.slice(2);
for (const argument of runs) {
  const [, name = '', folder = ''] = /^([^=]+)=(.+)$/.exec(argument) ?? [];
  await keep(folder, join(results, experiment, name));
}
