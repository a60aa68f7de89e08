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
  /** After training task i, task j's rows. */
  readonly cells: readonly (readonly (readonly ScoredRow[])[])[];
}

/** One test row's score, 100 or 0. */
type RowScore = (row: ScoredRow) => number;

const percent = (holds: boolean) => (holds ? 100 : 0);
const preference: RowScore = (row) =>
  percent(row.chosen_logp / row.chosen_tokens > row.rejected_logp / row.rejected_tokens);
const basePreference: RowScore = (row) =>
  percent(row.base_chosen_logp / row.chosen_tokens > row.base_rejected_logp / row.rejected_tokens);
const reward: RowScore = (row) =>
  percent(row.chosen_logp - row.base_chosen_logp > row.rejected_logp - row.base_rejected_logp);

async function load(argument: string): Promise<LoadedRun> {
  const [name, folder] = argument.split('=') as [string, string];
  const summary = JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8'));
  const tasks = summary.tasks as string[];
  const rowsAt = async (i: number, j: number) => {
    const file = join(folder, 'tasks', `${i + 1}-${tasks[i]}`, 'scores', `${j + 1}-${tasks[j]}.json`);
    return JSON.parse(await readFile(file, 'utf8')) as ScoredRow[];
  };
  const cells = await Promise.all(
    tasks.map((_, i) => Promise.all(tasks.slice(0, i + 1).map((_, j) => rowsAt(i, j)))),
  );
  return { name, tasks, seconds: summary.seconds, cells };
}

/** Weighs the matrix's cells: each statistic is a sum over tasks of a mean over that task's rows. */
type Weights = (i: number, j: number, count: number) => number;

const statistics: Record<string, Weights> = {
  Last: (i, _j, n) => (i === n - 1 ? 1 / n : 0),
  BWT: (i, j, n) => (j === n - 1 ? 0 : ((i === n - 1 ? 1 : 0) - (i === j ? 1 : 0)) / (n - 1)),
  AP: (i, _j, n) => 1 / (n * (i + 1)),
};

/** Per task and test row, what the row adds to the statistic. */
function contributions({ cells, tasks }: LoadedRun, score: RowScore, weights: Weights): number[][] {
  return tasks.map((_, j) =>
    cells[j]![j]!.map((_, row) =>
      cells
        .slice(j)
        .reduce((sum, measured, at) => sum + weights(j + at, j, tasks.length) * score(measured[j]![row]!), 0),
    ),
  );
}

const random = () => Random.fromSeed(0);
const show = ({ estimate, low, high }: Interval) =>
  `${estimate.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
const heading = (cells: readonly string[]) => line(cells) + line(cells.map(() => '---'));
const print = (text: string) => process.stdout.write(text);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** What each task alone gains over the base. */
function printLearnable({ tasks, cells }: LoadedRun): void {
  print('Each task alone (STL), %\n\n');
  print(heading(['task', 'test rows', 'base', 'preference accuracy', 'gain', 'reward accuracy']));
  tasks.forEach((task, at) => {
    const rows = cells[at]![at]!;
    const [before, after] = [rows.map(basePreference), rows.map(preference)];
    print(
      line([
        task,
        String(rows.length),
        mean(before).toFixed(1),
        mean(after).toFixed(1),
        show(bootstrapDifference(before, after, random())),
        show(bootstrapSumOfMeans([rows.map(reward)], random())),
      ]),
    );
  });
  print('\n');
}

/** The final row of each run's matrix with its three numbers, then the first run against the others. */
function printComparison(title: string, runs: readonly LoadedRun[], score: RowScore): void {
  const [first, ...others] = runs;
  if (!first) return;
  const names = Object.keys(statistics);
  const of = (run: LoadedRun, name: string) => contributions(run, score, statistics[name]!);
  print(`${title} after the last task, %\n\n`);
  print(heading(['method', ...first.tasks, ...names]));
  for (const run of runs) {
    const final = run.cells.at(-1)!.map((cell) => mean(cell.map(score)).toFixed(1));
    print(
      line([run.name, ...final, ...names.map((name) => show(bootstrapSumOfMeans(of(run, name), random())))]),
    );
  }
  print('\n');
  if (others.length === 0) return;
  print(heading([`${first.name} minus`, ...names]));
  for (const run of others) {
    const differences = (name: string) => {
      const theirs = of(run, name);
      return of(first, name).map((task, j) => task.map((value, row) => value - theirs[j]![row]!));
    };
    print(line([run.name, ...names.map((name) => show(bootstrapSumOfMeans(differences(name), random())))]));
  }
  print('\n');
}

const runs = await Promise.all(process.argv.slice(2).map(load));
const alone = runs.find((run) => run.name === 'stl');
const compared = runs.filter((run) => run !== alone);
if (alone) printLearnable(alone);
printComparison('Preference accuracy', compared, preference);
printComparison('Reward accuracy', compared, reward);
print(`${runs.map(({ name, seconds }) => `${name} ${(seconds / 60).toFixed(1)} min`).join(', ')}\n`);
