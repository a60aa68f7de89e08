/**
 * Tables of finished runs over one stream, as Markdown, with 95 % bootstrap intervals over test rows.
 *
 *     npx tsx experiments/real/table.ts stl=runs/serious-stl lifealign=runs/serious-lifealign ...
 *
 * A run named `stl` says what is learnable; the others are compared with the first of them, paired on
 * the same rows.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootstrapDifference, bootstrapSumOfMeans, type Interval } from '../../src/eval/statistics.ts';
import { Random } from '../../src/support/random.ts';

interface ScoredRow {
  readonly chosen_logp: number;
  readonly rejected_logp: number;
  readonly base_chosen_logp: number;
  readonly base_rejected_logp: number;
  readonly chosen_tokens: number;
  readonly rejected_tokens: number;
}

interface LoadedRun {
  readonly name: string;
  readonly tasks: readonly string[];
  readonly seconds: number;
  /** After training task i, task j's rows: 100 where the chosen response is preferred, else 0. */
  readonly cells: readonly (readonly (readonly number[])[])[];
  /** The base model's, by task. */
  readonly base: readonly (readonly number[])[];
}

const prefers = (chosen: number, rejected: number, row: ScoredRow) =>
  chosen / row.chosen_tokens > rejected / row.rejected_tokens ? 100 : 0;

async function load(argument: string): Promise<LoadedRun> {
  const [name, folder] = argument.split('=') as [string, string];
  const summary = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8'));
  const tasks = summary.tasks as string[];
  const rowsAt = async (i: number, j: number) => {
    const file = join(folder, 'tasks', `${i + 1}-${tasks[i]}`, 'scores', `${j + 1}-${tasks[j]}.json`);
    return JSON.parse(await readFile(file, 'utf8')) as ScoredRow[];
  };
  const scored = await Promise.all(
    tasks.map((_, i) => Promise.all(tasks.slice(0, i + 1).map((_, j) => rowsAt(i, j)))),
  );
  return {
    name,
    tasks,
    seconds: summary.seconds,
    cells: scored.map((row) =>
      row.map((cell) => cell.map((one) => prefers(one.chosen_logp, one.rejected_logp, one))),
    ),
    base: scored.map((row, task) =>
      row[task]!.map((one) => prefers(one.base_chosen_logp, one.base_rejected_logp, one)),
    ),
  };
}

/** Weighs the matrix's cells: each statistic is a sum over tasks of a mean over that task's rows. */
type Weights = (i: number, j: number, count: number) => number;

const statistics: Record<string, Weights> = {
  Last: (i, _j, n) => (i === n - 1 ? 1 / n : 0),
  BWT: (i, j, n) => (j === n - 1 ? 0 : ((i === n - 1 ? 1 : 0) - (i === j ? 1 : 0)) / (n - 1)),
  AP: (i, _j, n) => 1 / (n * (i + 1)),
};

/** Per task and test row, what the row adds to the statistic. */
function contributions({ cells, tasks }: LoadedRun, weights: Weights): number[][] {
  return tasks.map((_, j) =>
    cells[j]![j]!.map((_, row) =>
      cells
        .slice(j)
        .reduce((sum, measured, at) => sum + weights(j + at, j, tasks.length) * measured[j]![row]!, 0),
    ),
  );
}

const random = () => Random.fromSeed(0);
const show = ({ estimate, low, high }: Interval) =>
  `${estimate.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
const print = (text: string) => process.stdout.write(text);

const runs = await Promise.all(process.argv.slice(2).map(load));
const alone = runs.find((run) => run.name === 'stl');
const compared = runs.filter((run) => run !== alone);

if (alone) {
  print(
    line(['task', 'test rows', 'base', 'alone (STL)', 'gain']) + line(['---', '---', '---', '---', '---']),
  );
  alone.tasks.forEach((task, at) => {
    const [before, after] = [alone.base[at]!, alone.cells[at]![at]!];
    const gain = bootstrapDifference(before, after, random());
    const mean = (values: readonly number[]) =>
      (values.reduce((a, b) => a + b, 0) / values.length).toFixed(1);
    print(line([task, String(after.length), mean(before), mean(after), show(gain)]));
  });
  print('\n');
}

const names = Object.keys(statistics);
const [first, ...others] = compared;
if (first) {
  print(line(['method', ...first.tasks, ...names, 'minutes']));
  print(line(['---', ...first.tasks.map(() => '---'), ...names.map(() => '---'), '---']));
  for (const run of compared) {
    const final = run.cells.at(-1)!.map((cell) => (cell.reduce((a, b) => a + b, 0) / cell.length).toFixed(1));
    const values = names.map((name) =>
      show(bootstrapSumOfMeans(contributions(run, statistics[name]!), random())),
    );
    print(line([run.name, ...final, ...values, (run.seconds / 60).toFixed(0)]));
  }
  print('\n');
}
if (first && others.length > 0) {
  print(line([`${first.name} minus`, ...names]) + line(['---', ...names.map(() => '---')]));
  for (const run of others) {
    const values = names.map((name) => {
      const [ours, theirs] = [first, run].map((one) => contributions(one, statistics[name]!)) as [
        number[][],
        number[][],
      ];
      const differences = ours.map((task, j) => task.map((value, row) => value - theirs[j]![row]!));
      return show(bootstrapSumOfMeans(differences, random()));
    });
    print(line([run.name, ...values]));
  }
}
