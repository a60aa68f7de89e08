/**
 * The laboratory's comparison: single-task learning, SeqFT, ER and LifeAlign over the built-in stream with
 * the demo's frozen settings, on test rows, over seeds.
 *
 *     npx tsx experiments/lab/compare.ts > experiments/lab/results/compare.md
 *
 * Every number is a mean over seeds ± half its 95 % interval (Student's t); differences are paired by seed. A
 * seed decides rows, the adapter's start and the order of rows together; the base is one and the same.
 */
import { demoSettings } from '../../src/cli/demo/settings.ts';
import { meanInterval, type SeedMean } from '../../src/eval/statistics.ts';
import type { RunSummary, ScoreMatrix } from '../../src/train/results.ts';
import { type Job, jobSummary, type LabMethod, labFolder, runJobs } from './jobs.ts';

const seeds = [0, 1, 2, 3, 4];
const methods = ['stl', 'seqft', 'er', 'lifealign'] as const;
/** `lifealign=0.006/0.0003` as an argument compares with other rates than the demo's. */
const given = process.argv.slice(2).map((argument) => {
  const [, method, sft, preference] = /^(\w+)=([^/]+)\/([^/]+)$/.exec(argument) ?? [];
  return [method as LabMethod, { sft: Number(sft), preference: Number(preference) }] as const;
});
const settings = {
  ...demoSettings.tiny,
  rates: { ...demoSettings.tiny.rates, ...Object.fromEntries(given) },
};
const root = labFolder('compare', settings);

const job = (method: LabMethod, seed: number): Job => ({
  method,
  seed,
  rates: settings.rates[method],
  split: 'test',
});
const jobs = seeds.flatMap((seed) => methods.map((method) => job(method, seed)));
await runJobs(root, jobs, settings, 2);

type ScoreName = 'preference_accuracy' | 'judge';
const runs = new Map<LabMethod, readonly RunSummary[]>(
  methods.map((method) => [method, seeds.map((seed) => jobSummary(root, job(method, seed)))]),
);
const tasks = runs.get('stl')![0]!.tasks;
const scoreOf = (summary: RunSummary, score: ScoreName): ScoreMatrix => summary[score]!;
const shownInterval = ({ mean, margin }: SeedMean) => `${mean.toFixed(1)} ± ${margin.toFixed(1)}`;
const over = (method: LabMethod, number: (summary: RunSummary) => number) =>
  shownInterval(meanInterval(runs.get(method)!.map(number)));
const difference = (a: LabMethod, b: LabMethod, number: (summary: RunSummary) => number) =>
  shownInterval(meanInterval(runs.get(a)!.map((summary, at) => number(summary) - number(runs.get(b)![at]!))));
const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
const heading = (cells: readonly string[]) => line(cells) + line(cells.map(() => '---'));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Scores right after each task, averaged: what was learned at all. */
const learned = (score: ScoreName) => (summary: RunSummary) =>
  mean(scoreOf(summary, score).matrix.map((row, at) => row[at]!));
const last = (score: ScoreName) => (summary: RunSummary) => scoreOf(summary, score).last!;
const bwt = (score: ScoreName) => (summary: RunSummary) => scoreOf(summary, score).bwt!;
const ap = (score: ScoreName) => (summary: RunSummary) => scoreOf(summary, score).ap!;

/** What SeqFT gains over the base right after a task, as a share of what the task gains alone; by means. */
function gainShare(score: ScoreName, at: number): string {
  const gain = (method: LabMethod) =>
    mean(
      runs.get(method)!.map((run) => scoreOf(run, score).matrix[at]![at]! - scoreOf(run, score).base![at]!),
    );
  const alone = gain('stl');
  return alone <= 0 ? `no gain alone (${alone.toFixed(1)})` : (gain('seqft') / alone).toFixed(2);
}

let text = `${seeds.length} seeds (${seeds.join(', ')}), ${settings.trainRows} training and ${settings.testRows} test rows a task, %\n`;
for (const [title, score] of [
  ['Preference accuracy', 'preference_accuracy'],
  ['Rule judge of greedy answers', 'judge'],
] as const) {
  text += `\n### ${title}\n\nRight after each task\n\n${heading(['', ...tasks])}`;
  text += line(['base', ...tasks.map((_, at) => over('stl', (run) => scoreOf(run, score).base![at]!))]);
  for (const method of methods) {
    text += line([
      method,
      ...tasks.map((_, at) => over(method, (run) => scoreOf(run, score).matrix[at]![at]!)),
    ]);
  }
  text += line(["SeqFT's gain / STL's", ...tasks.map((_, at) => gainShare(score, at))]);
  text += line([
    'lifealign minus seqft',
    ...tasks.map((_, at) => difference('lifealign', 'seqft', (run) => scoreOf(run, score).matrix[at]![at]!)),
  ]);
  text += `\nAfter the last task\n\n${heading(['', ...tasks])}`;
  for (const method of methods.slice(1)) {
    text += line([
      method,
      ...tasks.map((_, at) => over(method, (run) => scoreOf(run, score).matrix.at(-1)![at]!)),
    ]);
  }
  text += `\n${heading(['', 'learned', 'Last', 'BWT', 'AP'])}`;
  text += line(['stl', over('stl', learned(score)), '-', '-', '-']);
  for (const method of methods.slice(1)) {
    text += line([method, ...[learned, last, bwt, ap].map((number) => over(method, number(score)))]);
  }
  text += `\nLifeAlign minus\n\n${heading(['', 'learned', 'Last', 'BWT', 'AP'])}`;
  for (const other of ['seqft', 'er'] as const) {
    text += line([
      other,
      ...[learned, last, bwt, ap].map((number) => difference('lifealign', other, number(score))),
    ]);
  }
}
const seconds = runs.get('lifealign')!.map((run) => run.seconds);
text += `\nSeconds of a LifeAlign run with one thread, two runs side by side: ${shownInterval(meanInterval(seconds))}\n`;
process.stdout.write(text);
