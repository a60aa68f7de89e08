/**
 * What each part of LifeAlign does on the built-in stream, with a large, a small and no replay buffer:
 * validation rows, the seeds of rates.ts, one pair of learning rates for all.
 *
 *     npx tsx experiments/lab/ablation.ts > experiments/lab/results/ablation.md
 */
import { demoSettings } from '../../src/cli/demo/settings.ts';
import { meanInterval } from '../../src/eval/statistics.ts';
import type { ScoreMatrix } from '../../src/train/results.ts';
import { type Job, jobSummary, labFolder, runJobs } from './jobs.ts';

const settings = demoSettings.tiny;
// Where rates.ts left its runs: those with all rows' share of replay are the same.
const root = labFolder('rates', settings);
const seeds = [1001, 1002];
const rates = { sft: 3e-3, preference: 3e-4 };
const whole = settings.replay.fraction;
const rows = [
  { fraction: whole, name: 'neither (ER)', method: 'er' },
  { fraction: whole, name: 'FPO only', method: 'lifealign', consolidation: null },
  { fraction: whole, name: 'SLMC only', method: 'lifealign', objective: 'dpo' },
  { fraction: whole, name: 'both (LifeAlign)', method: 'lifealign' },
  {
    fraction: whole,
    name: 'both, denoising alone',
    method: 'lifealign',
    consolidation: { threshold: 0.9, lambda: 1 },
  },
  {
    fraction: whole,
    name: 'both, projection alone',
    method: 'lifealign',
    consolidation: { threshold: 1, lambda: 0.5 },
  },
  { fraction: 0.05, name: 'neither (ER)', method: 'er' },
  { fraction: 0.05, name: 'FPO only', method: 'lifealign', consolidation: null },
  { fraction: 0.05, name: 'SLMC only', method: 'lifealign', objective: 'dpo' },
  { fraction: 0.05, name: 'both (LifeAlign)', method: 'lifealign' },
  { fraction: 0, name: 'neither (SeqFT)', method: 'seqft' },
  { fraction: 0, name: 'both (LifeAlign)', method: 'lifealign' },
] as const;
type Row = (typeof rows)[number];

function job({ fraction, name, method, ...changes }: Row, seed: number): Job {
  const plain = { method, seed, rates, split: 'validation' } as const;
  const isPlain = Object.keys(changes).length === 0;
  if (method === 'seqft' || (isPlain && fraction === whole)) return plain;
  const label = `${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${fraction}`;
  return { ...plain, variant: { ...changes, name: label, fraction } };
}
const jobs = rows.flatMap((row) => seeds.map((seed) => job(row, seed)));
await runJobs(root, jobs, settings, 2);

const line = (row: readonly string[]) => `| ${row.join(' | ')} |\n`;
const headings = ['rows replayed', 'parts', 'learned', 'Last', 'BWT', 'learned', 'Last', 'BWT'];
const learned = ({ matrix }: ScoreMatrix) =>
  matrix.reduce((sum, row, at) => sum + row[at]!, 0) / matrix.length;
let table = `Validation rows, seeds ${seeds.join(' and ')}, rates ${rates.sft} and ${rates.preference}; preference accuracy, then rule judge, %\n\n`;
table += line(headings) + line(headings.map(() => '---'));
for (const row of rows) {
  const summaries = seeds.map((seed) => jobSummary(root, job(row, seed)));
  const numbers = (['preference_accuracy', 'judge'] as const).flatMap((score) =>
    [learned, (one: ScoreMatrix) => one.last!, (one: ScoreMatrix) => one.bwt!].map((number) =>
      meanInterval(summaries.map((summary) => number(summary[score]!))).mean.toFixed(1),
    ),
  );
  table += line([`${100 * row.fraction} %`, row.name, ...numbers]);
}
process.stdout.write(table);
