/**
 * The long form of test/train/kill.test.ts: `run.ts [number of kills] [seed] [--engine toy|ort]`. Left out:
 * 300 kills of the toy engine, 60 of the real one. With `--data [number of files] [seed]` damaged files of rows
 * instead, 10,000 unless said otherwise: the long form of test/data/mutated-files.test.ts.
 */
import { parseArgs } from 'node:util';
import { Random } from '../../src/support/random.ts';
import { type FaultEngine, killAndResume } from './kill.ts';
import { readMutated } from './mutate-files.ts';

const DEFAULT_KILLS = { toy: 300, ort: 60 };

const DEFAULT_FILES = 10_000;

const options = {
  engine: { type: 'string', default: 'toy' },
  data: { type: 'boolean', default: false },
} as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const say = (line: string) => void process.stderr.write(`${line}\n`);
const failures = values.data ? await damagedFiles() : await kills();
for (const failure of failures) say(`FAILED: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;

async function kills(): Promise<readonly string[]> {
  if (!Object.hasOwn(DEFAULT_KILLS, values.engine))
    throw new Error(`--engine: toy or ort, not ${values.engine}`);
  const engine = values.engine as FaultEngine;
  const [count = DEFAULT_KILLS[engine], seed = Date.now()] = positionals.map(Number);
  say(`${count} kills, seed ${seed}, engine ${engine}`);
  const report = await killAndResume(count, Random.fromSeed(seed), engine, (done) => {
    say(`${done}/${count} kills`);
  });
  say(`${report.kills} kills; resumed in: ${JSON.stringify(report.where)}`);
  return report.failures;
}

async function damagedFiles(): Promise<readonly string[]> {
  const [count = DEFAULT_FILES, seed = Date.now()] = positionals.map(Number);
  say(`${count} damaged files, seed ${seed}`);
  const report = await readMutated(count, Random.fromSeed(seed), (done) => {
    if (done % 500 === 0) say(`${done}/${count} files`);
  });
  say(`${report.read} read, ${report.refused} refused`);
  return report.failures;
}
