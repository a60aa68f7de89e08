/**
 * The long form of test/train/kill.test.ts: `run.ts [number of kills] [seed] [--engine toy|ort]`. Left out:
 * 300 kills of the toy engine, 60 of the real one. With `--data [number of files] [seed]` damaged files of rows
 * instead, 10,000 unless said otherwise: the long form of test/data/mutated-files.test.ts. With `--memory [number of
 * kills] [seed]` what changes a long-term memory: every state of the disk between two calls or half-way in one, every
 * full disk and short write, 200 processes killed or out of space, then 10,000 flipped bits and 2,000 truncations. With
 * `--learn [number of kills] [seed]` the command that appends to it, likewise: all such states, a full disk at some calls,
 * 100 processes. With `--bench [number of kills] [seed]` kills of a bench, 10 unless said otherwise: the long form of
 * test/bench/kill.test.ts. With `--learner [number of kills] [seed]` kills of one of two instances of `serve` that learn
 * from feedback, on one PostgreSQL, 30 unless said otherwise.
 */
import { parseArgs } from 'node:util';
import { Random } from '../../src/support/random.ts';
import { noPostgres } from '../service/postgres.ts';
import { type CutMode, cutModes } from './cut.ts';
import { type CutReport, Cuts } from './cuts.ts';
import { type FaultEngine, killAndResume } from './kill.ts';
import { killAndResumeBench } from './kill-bench.ts';
import { killLearners } from './kill-learner.ts';
import { damageMemory } from './memory-damage.ts';
import { readMutated } from './mutate-files.ts';
import type { SubjectName } from './subjects.ts';

const DEFAULT_KILLS = { toy: 300, ort: 60 };

const DEFAULT_FILES = 10_000;
const DEFAULT_BENCH_KILLS = 10;

const DEFAULT_MEMORY_KILLS = 200;

const DEFAULT_LEARN_KILLS = 100;

/** How many calls of `learn`, each with a full disk from then on and with a short write, are met. */
const LEARN_DISKS = 100;

const DEFAULT_LEARNER_KILLS = 30;

const options = {
  engine: { type: 'string', default: 'toy' },
  data: { type: 'boolean', default: false },
  memory: { type: 'boolean', default: false },
  learn: { type: 'boolean', default: false },
  bench: { type: 'boolean', default: false },
  learner: { type: 'boolean', default: false },
} as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const say = (line: string) => void process.stderr.write(`${line}\n`);
const what = {
  data: damagedFiles,
  memory: memoryFaults,
  learn: learnFaults,
  bench: benchKills,
  learner: learnerKills,
};
const chosen = (['data', 'memory', 'learn', 'bench', 'learner'] as const).find((name) => values[name]);
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
  const failures = await cutEverywhere('memory', { processes: count, disks: null, seed });
  const damage = await damageMemory({ flips: 10_000, cuts: 2000 }, Random.fromSeed(seed).fork('damage'));
  say(`${damage.flips} bits flipped, ${damage.cuts} files cut: ${damage.missed.length} not found`);
  return [...failures, ...damage.missed];
}

async function learnFaults(): Promise<readonly string[]> {
  const [count = DEFAULT_LEARN_KILLS, seed = Date.now()] = positionals.map(Number);
  return cutEverywhere('learn', { processes: count, disks: LEARN_DISKS, seed });
}

interface Amounts {
  /** That are cut, of all calls and modes. */
  readonly processes: number;
  /** Calls and modes at which a disk is full or a write short; `null`: all there are. */
  readonly disks: number | null;
  readonly seed: number;
}

async function cutEverywhere(
  name: SubjectName,
  { processes, disks, seed }: Amounts,
): Promise<readonly string[]> {
  const random = Random.fromSeed(seed);
  const cuts = await Cuts.open(name);
  const some = (modes: readonly CutMode[], most: number) => {
    const all = cuts.all(modes);
    return { of: all.length, chosen: random.sample(all, Math.min(most, all.length)) };
  };
  const tell = (of: number) => (done: number) => {
    if (done % 100 === 0) say(`${done}/${of}`);
  };
  const failures: string[] = [];
  const told = (what: string, report: CutReport) => {
    say(`${what}: ${report.old} left the old memory, ${report.new} the new one`);
    failures.push(...report.failures);
  };
  try {
    say(`seed ${seed}`);
    for (const operation of cuts.operations) {
      const states = await cuts.states(operation);
      const report = await cuts.replay(operation, () => true, tell(states));
      told(`${operation}: all ${states} states that a kill can leave`, report);
    }
    const met = some(['full', 'short'], disks ?? Number.POSITIVE_INFINITY);
    const report = await cuts.met(met.chosen, tell(met.chosen.length));
    told(`${met.chosen.length} full disks and short writes, of ${met.of}`, report);
    const ended = some(cutModes, processes);
    const killed = await cuts.killed(ended.chosen, tell(ended.chosen.length));
    told(`${ended.chosen.length} processes cut, of ${ended.of} calls and modes`, killed);
    return failures;
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

async function learnerKills(): Promise<readonly string[]> {
  const missing = noPostgres();
  if (missing !== null) return [missing];
  const [count = DEFAULT_LEARNER_KILLS, seed = Date.now()] = positionals.map(Number);
  say(`${count} kills of two that learn, seed ${seed}`);
  const report = await killLearners(count, Random.fromSeed(seed), (done, at) =>
    say(`${done}/${count} kills: ${at}`),
  );
  const { kills, where, rows, tasks, attempts, elected, overlap } = report;
  say(`${kills} kills: ${JSON.stringify(where)}`);
  say(
    `${rows} rows learned in ${tasks} tasks by ${attempts} processes; the lease was taken ${elected} times`,
  );
  say(
    `more than one learning process for ${(overlap / 1000).toFixed(1)} s in all, one of them ending or waiting`,
  );
  return report.failures;
}
