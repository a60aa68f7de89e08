/**
 * The long form of test/train/kill.test.ts: `run.ts [number of kills] [seed] [--engine toy|ort]`. Left out:
 * 300 kills of the toy engine, 60 of the real one. With `--data [number of files] [seed]` damaged files of rows
 * instead, 10,000 unless said otherwise: the long form of test/data/mutated-files.test.ts. With `--memory [number of
 * kills] [seed]` the long-term memory: 600 processes killed or out of space at calls spread over all there are, then
 * every call in every mode played in this process, then 10,000 flipped bits and 2,000 truncations. With `--learn
 * [number of kills] [seed]` the command that appends to it: 200 processes killed, then every call played. With
 * `--bench [number of kills] [seed]` kills of a bench, 10 unless said otherwise: the long form of test/bench/kill.test.ts.
 */
import { parseArgs } from 'node:util';
import { Random } from '../../src/support/random.ts';
import { type FaultEngine, killAndResume } from './kill.ts';
import { killAndResumeBench } from './kill-bench.ts';
import { LearnCuts } from './learn-cuts.ts';
import { MemoryCuts } from './memory-cuts.ts';
import { damageMemory } from './memory-damage.ts';
import { memoryOperations } from './memory-operations.ts';
import { readMutated } from './mutate-files.ts';

const DEFAULT_KILLS = { toy: 300, ort: 60 };

const DEFAULT_FILES = 10_000;
const DEFAULT_BENCH_KILLS = 10;

const DEFAULT_MEMORY_KILLS = 600;

const DEFAULT_LEARN_KILLS = 200;

const options = {
  engine: { type: 'string', default: 'toy' },
  data: { type: 'boolean', default: false },
  memory: { type: 'boolean', default: false },
  learn: { type: 'boolean', default: false },
  bench: { type: 'boolean', default: false },
} as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const say = (line: string) => void process.stderr.write(`${line}\n`);
const what = { data: damagedFiles, memory: memoryFaults, learn: learnFaults, bench: benchKills };
const chosen = (['data', 'memory', 'learn', 'bench'] as const).find((name) => values[name]);
const failures = await (chosen === undefined ? kills() : what[chosen]());
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

async function memoryFaults(): Promise<readonly string[]> {
  const [count = DEFAULT_MEMORY_KILLS, seed = Date.now()] = positionals.map(Number);
  const random = Random.fromSeed(seed);
  const cuts = await MemoryCuts.open(memoryOperations);
  try {
    const all = cuts.all();
    const chosen = random.sample(all, Math.min(count, all.length));
    say(`${chosen.length} processes cut, of ${all.length} calls and modes; seed ${seed}`);
    const tell = (of: number) => (done: number) => {
      if (done % 100 === 0) say(`${done}/${of} cuts`);
    };
    const killed = await cuts.run(chosen, 'process', tell(chosen.length));
    say(`${killed.cuts} processes cut: ${killed.old} left the old state, ${killed.new} the new one`);
    const played = await cuts.run(all, 'here', tell(all.length));
    say(`${played.cuts} cuts played: ${played.old} left the old state, ${played.new} the new one`);
    const damage = await damageMemory({ flips: 10_000, cuts: 2000 }, random.fork('damage'));
    say(`${damage.flips} bits flipped, ${damage.cuts} files cut: ${damage.missed.length} not found`);
    return [...killed.failures, ...played.failures, ...damage.missed];
  } finally {
    cuts.close();
  }
}

async function learnFaults(): Promise<readonly string[]> {
  const [count = DEFAULT_LEARN_KILLS, seed = Date.now()] = positionals.map(Number);
  const cuts = await LearnCuts.open();
  try {
    const all = cuts.all(['before', 'after', 'half']);
    const some = Random.fromSeed(seed).sample(all, Math.min(count, all.length));
    say(`${some.length} processes killed, of ${all.length} calls and modes; seed ${seed}`);
    const tell = (of: number) => (done: number) => {
      if (done % 50 === 0) say(`${done}/${of} cuts`);
    };
    const killed = await cuts.run(some, 'process', tell(some.length));
    say(`${killed.cuts} processes killed: ${killed.old} left the old memory, ${killed.new} the new one`);
    const played = await cuts.run(all, 'here', tell(all.length));
    say(`${played.cuts} cuts played: ${played.old} left the old memory, ${played.new} the new one`);
    return [...killed.failures, ...played.failures];
  } finally {
    cuts.close();
  }
}

async function benchKills(): Promise<readonly string[]> {
  const [count = DEFAULT_BENCH_KILLS, seed = Date.now()] = positionals.map(Number);
  say(`${count} kills of a bench, seed ${seed}`);
  const report = await killAndResumeBench(count, Random.fromSeed(seed), (done) =>
    say(`${done}/${count} kills`),
  );
  say(`${report.kills} kills; finished runs that they found: ${report.found.join(', ')}`);
  return report.failures;
}
