/** Benches and finished runs with numbers that tests can work out themselves. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Bench, readBench } from '../../src/bench/config/read.ts';
import type { JobRecord } from '../../src/bench/record.ts';
import { type BenchRun, benchRun } from '../../src/bench/results/run.ts';
import { MODEL, ROWS } from '../cli/command.ts';

export const TASKS = ['one', 'two'];
const TEST_ROWS = 10;

/** A bench of two tasks over the fixture model; `changes` replace whole top-level keys. */
export function benchTree(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    base_config: {
      base: MODEL,
      tasks: TASKS.map((name) => ({ name, train: ROWS, test: ROWS })),
      stages: { sft: { epochs: 1 }, preference: { epochs: 1 } },
    },
    methods: [{ name: 'lifealign' }, { name: 'seqft' }],
    seeds: [1, 2],
    ...changes,
  };
}

/** Of a tree, with its validation rows in a file that has the split in its name. */
export function tuned(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const tree = benchTree();
  const base = tree['base_config'] as { tasks: { test: string }[] };
  const tasks = base.tasks.map((task) => ({ ...task, test: 'rows-{split}.json' }));
  const tuning = {
    trials: [{ 'stages.sft.learning_rate': 0.1 }, { 'stages.sft.learning_rate': 0.2 }],
    seeds: [7],
  };
  return { ...tree, base_config: { ...base, tasks }, tuning, ...changes };
}

export function writeBench(folder: string, tree: Record<string, unknown>): string {
  const file = join(folder, 'bench.yaml');
  writeFileSync(file, stringify(tree));
  return file;
}

export async function madeBench(folder: string, tree: Record<string, unknown> = benchTree()): Promise<Bench> {
  return readBench(writeBench(folder, tree));
}

/** Rows of ten that are right, of task `tested` after task `trained`; `null` where not measured. */
export type Right = (trained: number, tested: number) => number | null;

/** By rows: `[[8], [7, 9]]` is right on 8 rows of task one after it, then on 7 of it and 9 of task two. */
export function right(rows: readonly (readonly (number | null)[])[]): Right {
  return (trained, tested) => rows[trained]?.[tested] ?? null;
}

export function madeRun(seed: number, of: Right, tasks: readonly string[] = TASKS): BenchRun {
  const rowsOf = (count: number) =>
    Array.from({ length: TEST_ROWS }, (_, index) => ({
      index,
      chosenLogp: index < count ? -1 : -3,
      rejectedLogp: -2,
      // The base is right on the last four rows.
      referenceChosenLogp: index >= TEST_ROWS - 4 ? -1 : -3,
      referenceRejectedLogp: -2,
      chosenTokens: 1,
      rejectedTokens: 1,
    }));
  const cells = tasks.map((_, trained) =>
    tasks.map((__, tested) => {
      const count = of(trained, tested);
      return count === null ? null : rowsOf(count);
    }),
  );
  return benchRun({
    folder: `run of seed ${seed}`,
    tasks,
    testHashes: tasks.map(() => `rows of seed ${seed}`),
    testRows: tasks.map(() => Array.from({ length: TEST_ROWS }, (_, index) => index)),
    seed,
    seconds: 1,
    scores: cells,
    judged: tasks.map(() => tasks.map(() => null)),
    baseJudged: tasks.map(() => null),
    general: tasks.map(() => null),
    generalKey: '',
  });
}

export function madeRecord(run: BenchRun | null): JobRecord {
  return {
    title: 'made',
    identity: 'identity',
    code: 'code',
    versions: {},
    config: {},
    seconds: 1,
    diverged: run ? null : 'training diverged',
    run,
  };
}
