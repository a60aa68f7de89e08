/**
 * What each part of LifeAlign does on the built-in stream, with a large and a small replay buffer: validation
 * rows, the seeds of rates.ts, one pair of learning rates for all.
 *
 *     npx tsx experiments/lab/ablation.ts > experiments/lab/results/ablation.md
 */
import { demoSettings } from '../../src/cli/demo/settings.ts';
import type { ScoreMatrix } from '../../src/train/results.ts';
import { type Job, jobSummary, labFolder, runJobs } from './jobs.ts';
import { meanInterval } from './seeds.ts';

const settings = demoSettings.tiny;
// Where rates.ts left its runs: those with all rows' share of replay are the same.
const root = labFolder('rates', settings);
const seeds = [1001, 1002];
const rates = { sft: 3e-3, preference: 3e-4 };
const fractions = [settings.replay.fraction, 0.05];
const parts = [
  { name: 'neither (ER)', method: 'er' },
  { name: 'FPO only', method: 'lifealign', consolidation: null },
  { name: 'SLMC only', method: 'lifealign', objective: 'dpo' },
  { name: 'both (LifeAlign)', method: 'lifealign' },
] as const;
type Part = (typeof parts)[number];

function job(part: Part, fraction: number, seed: number): Job {
  const { name, method, ...changes } = part;
  const plain = { method, seed, rates, split: 'validation' } as const;
  if (fraction === settings.replay.fraction && Object.keys(changes).length === 0) return plain;
  const label = `${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${fraction}`;
  return { ...plain, variant: { ...changes, name: label, fraction } };
}
const cells = fractions.flatMap((fraction) => parts.map((part) => ({ fraction, part })));
const jobs = cells.flatMap(({ fraction, part }) => seeds.map((seed) => job(part, fraction, seed)));
await runJobs(root, jobs, settings, 2);

const line = (row: readonly string[]) => `| ${row.join(' | ')} |\n`;
const headings = ['rows replayed', 'parts', 'learned', 'Last', 'BWT', 'learned', 'Last', 'BWT'];
const learned = ({ matrix }: ScoreMatrix) =>
  matrix.reduce((sum, row, at) => sum + row[at]!, 0) / matrix.length;
let table = `Validation rows, seeds ${seeds.join(' and ')}, rates ${rates.sft} and ${rates.preference}; preference accuracy, then rule judge, %\n\n`;
table += line(headings) + line(headings.map(() => '---'));
for (const { fraction, part } of cells) {
  const summaries = seeds.map((seed) => jobSummary(root, job(part, fraction, seed)));
  const numbers = (['preference_accuracy', 'judge'] as const).flatMap((score) =>
    [learned, (one: ScoreMatrix) => one.last!, (one: ScoreMatrix) => one.bwt!].map((number) =>
      meanInterval(summaries.map((summary) => number(summary[score]!))).mean.toFixed(1),
    ),
  );
  table += line([`${100 * fraction} %`, part.name, ...numbers]);
}
process.stdout.write(table);
