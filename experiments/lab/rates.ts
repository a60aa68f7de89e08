/**
 * Chooses the demo's learning rates: the same trials for every method, measured on validation rows with
 * seeds that no reported run uses.
 *
 *     npx tsx experiments/lab/rates.ts > experiments/lab/results/rates.md
 *
 * A method's rates are those with the highest mean of Last over both scores and all seeds; for STL, which
 * has no Last to lose, the same number is the mean over tasks each learned alone.
 */
import { demoSettings } from '../../src/cli/demo/settings.ts';
import { type Job, jobSummary, type LabMethod, runJobs } from './jobs.ts';
import { meanInterval } from './seeds.ts';

const root = 'runs/lab/rates';
const seeds = [1001, 1002];
const methods: readonly LabMethod[] = ['lifealign', 'er', 'seqft', 'stl'];
const trials = [5e-4, 1e-3, 2e-3, 4e-3].flatMap((sft) =>
  [0.5, 1].map((factor) => ({ sft, preference: sft * factor })),
);

const jobs: Job[] = methods.flatMap((method) =>
  trials.flatMap((rates) => seeds.map((seed) => ({ method, seed, rates, split: 'validation' as const }))),
);
await runJobs(root, jobs, demoSettings.tiny, 2);

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
const headings = ['method', 'SFT rate', 'preference rate', 'preference accuracy', 'judge', 'mean'];
let table = `Validation rows, seeds ${seeds.join(' and ')}; Last (STL: mean over tasks), %\n\n`;
table += line(headings) + line(headings.map(() => '---'));
for (const method of methods) {
  const results = trials.map((rates) => {
    const scores = seeds.map((seed) => {
      const summary = jobSummary(root, { method, seed, rates, split: 'validation' });
      return [summary.preference_accuracy, summary.judge!].map((score) =>
        method === 'stl' ? diagonalMean(score.matrix) : score.last!,
      );
    });
    const [preference, judge] = [0, 1].map((at) => meanInterval(scores.map((pair) => pair[at]!)).mean);
    return { rates, preference: preference!, judge: judge!, mean: (preference! + judge!) / 2 };
  });
  const best = Math.max(...results.map(({ mean }) => mean));
  for (const { rates, preference, judge, mean } of results) {
    const mark = mean === best ? '**' : '';
    const numbers = [preference, judge, mean].map((value) => `${mark}${value.toFixed(1)}${mark}`);
    table += line([method, `${rates.sft}`, `${rates.preference}`, ...numbers]);
  }
}
process.stdout.write(table);

function diagonalMean(matrix: readonly (readonly (number | null)[])[]): number {
  return matrix.reduce((sum, row, at) => sum + row[at]!, 0) / matrix.length;
}
