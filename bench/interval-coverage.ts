/**
 * How often 95 % intervals of Last, BWT, AP, FWT and forgetting hold the true value, and how often the paired
 * test finds a difference at 0.05 where there is none: 1,000 made experiments a line.
 *
 *     npx tsx bench/interval-coverage.ts > bench/results/interval-coverage.md
 */
import { statisticNames } from '../src/eval/comparison/quantities.ts';
import { forgetting, simulateCoverage, steady } from '../test/eval/interval-coverage.ts';

const line = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);
const head = ['truth', 'test rows a task', '', ...statisticNames];
line(head);
line(head.map(() => '---'));
for (const [name, truth] of Object.entries({ forgetting, steady })) {
  for (const rows of [60, 100, 200]) {
    const coverage = simulateCoverage(truth, rows, { trials: 1000, resamples: 400 });
    const shown = (title: string, shares: Readonly<Record<string, number>>) =>
      line([
        name,
        String(rows),
        title,
        ...statisticNames.map((key) => `${(100 * shares[key]!).toFixed(1)} %`),
      ]);
    shown('intervals that cover', coverage.statistics);
    shown('of differences', coverage.differences);
    shown('p <= 0.05', coverage.rejected);
  }
}
