/**
 * Chooses the demo's learning rates: the same trials for every method, measured on validation rows with
 * seeds that no reported run uses.
 *
 *     npx tsx experiments/lab/rates.ts > experiments/lab/results/rates.md
 *
 * A method's rates are those with the highest mean of Last over both scores and all seeds; single-task
 * learning takes SeqFT's, whose upper bound it is.
 */
import { demoSettings } from '../../src/cli/demo/settings.ts';
import { meanInterval } from '../../src/eval/statistics.ts';
import { type Job, jobSummary, type LabMethod, labFolder, runJobs } from './jobs.ts';

const root = labFolder('rates', demoSettings.tiny);
const seeds = [1001, 1002];
const methods: readonly LabMethod[] = ['lifealign', 'er', 'seqft'];
const trials = [
  ...[1e-3, 3e-3].flatMap((sft) => [3e-4, 1e-3].map((preference) => ({ sft, preference }))),
  // The settings were frozen on those four. Their best lay at the grid's edge; these lie beyond it.
  { sft: 6e-3, preference: 3e-4 },
  { sft: 3e-3, preference: 1e-4 },
];

const jobs: Job[] = methods.flatMap((method) =>
  trials.flatMap((rates) => seeds.map((seed) => ({ method, seed, rates, split: 'validation' as const }))),
);
await runJobs(root, jobs, demoSettings.tiny, 2);

const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
const headings = ['method', 'SFT rate', 'preference rate', 'preference accuracy', 'judge', 'mean'];
let table = `Validation rows, seeds ${seeds.join(' and ')}; Last, %\n\n`;
table += line(headings) + line(headings.map(() => '---'));
for (const method of methods) {
  const results = trials.map((rates) => {
    const scores = seeds.map((seed) => {
      const summary = jobSummary(root, { method, seed, rates, split: 'validation' });
      return [summary.preference_accuracy.last!, summary.judge!.last!];
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
