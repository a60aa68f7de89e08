/**
 * BLEU-4 and ROUGE of a thousand real answers by our text metrics, and by the Python recipe (jieba, rouge-chinese,
 * nltk): the rejected responses of the benchmark's rows as predictions, the chosen ones as references, in whole.
 *
 *     npm run bench:metrics -- [--short] [--record]
 *
 * `--rows` and `--repeats` change the sizes below; `--data` names the benchmark's folder, whose rows are used. Needs
 * Python; the first run installs packages of a few megabytes.
 */
import { join } from 'node:path';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { UserError } from '../../src/index.ts';
import { writeJsonFile } from '../../src/support/atomic-file.ts';
import { benchmarkRows } from '../../test/parity/benchmark-data.ts';
import { type Measured, measureNode, measurePython } from '../shared/child.ts';
import { publish, readSizedFlags, runCommand } from '../shared/command.ts';
import { compare } from '../shared/comparison.ts';
import { describeMachine, type Machine, machineLine, warnIfBusy } from '../shared/machine.ts';
import { withScratchFolder } from '../shared/scratch.ts';
import { shown, spread, table } from '../shared/summary.ts';
import type { MetricsReport, MetricsRequest } from './request.ts';

const SETS = ['hh-rlhf-helpful-base', 'hh-rlhf-harmless-base', 'safe-rlhf', 'TruthfulQA'];
/** Seconds that the project promises for a thousand. */
const PROMISED = 2;

interface Measurement {
  readonly rows: number;
  /** Means, in characters. */
  readonly length: { readonly prediction: number; readonly reference: number };
  readonly ours: readonly Measured<MetricsReport>[];
  readonly recipe: readonly Measured<MetricsReport>[];
}

async function main(): Promise<void> {
  const { sizes, threads, data, form, record } = readSizedFlags({
    rows: { full: '1000', short: '200' },
    repeats: { full: '3', short: '1' },
  });
  const rows = wholeNumber('--rows', sizes.rows, 1, 100_000);
  const repeats = wholeNumber('--repeats', sizes.repeats, 1, 100);
  const machine = describeMachine();
  warnIfBusy(machine);
  const measured = await measure(rows, repeats, threads, data);
  const { ours, recipe } = measured;
  const seconds = (side: readonly MetricsReport[]) => side.map((one) => one.seconds);
  const comparisons = [
    compare({
      ...{ name: `${rows} answers`, against: 'jieba, rouge-chinese, nltk', unit: 's', better: 'less' },
      ...{ ours: seconds(ours), peer: seconds(recipe) },
    }),
    compare({
      ...{ name: `${rows} answers in the time promised`, against: 'promised', unit: 's', better: 'less' },
      ...{ ours: seconds(ours), peer: (PROMISED * rows) / 1000 },
    }),
  ];
  const versions = { ...ours[0]!.versions, ...recipe[0]!.versions };
  const numbers = { rows, repeats, length: measured.length, ours: seconds(ours), recipe: seconds(recipe) };
  const markdown = metricsReport(machine, measured, versions);
  await publish('metrics', machine, { markdown, numbers, comparisons, versions, form, record });
}

async function measure(rows: number, repeats: number, threads: number, data: string): Promise<Measurement> {
  const pairs = await realAnswers(rows, data);
  const mean = (of: 'prediction' | 'reference') =>
    pairs.reduce((sum, pair) => sum + pair[of].length, 0) / rows;
  return withScratchFolder(async (folder) => {
    const request: MetricsRequest = { file: join(folder, 'pairs.json'), threads };
    await writeJsonFile(request.file, pairs);
    const [ours, recipe]: [Measured<MetricsReport>[], Measured<MetricsReport>[]] = [[], []];
    for (let round = 1; round <= repeats; round++) {
      ours.push(await measureNode<MetricsReport>(new URL('ours.ts', import.meta.url), request));
      const script = new URL('recipe.py', import.meta.url);
      recipe.push(await measurePython<MetricsReport>(script, request, 'requirements-text.txt'));
      const [one, other] = [ours.at(-1)!.seconds, recipe.at(-1)!.seconds];
      process.stderr.write(`round ${round}/${repeats}: ${one.toFixed(2)} s, recipe ${other.toFixed(2)} s\n`);
    }
    return { rows, length: { prediction: mean('prediction'), reference: mean('reference') }, ours, recipe };
  });
}

/** Of all sets in turn. */
async function realAnswers(count: number, data: string) {
  const pairs: { prediction: string; reference: string }[] = [];
  for (const [at, set] of SETS.entries()) {
    const wanted = Math.ceil((count - pairs.length) / (SETS.length - at));
    const rows = (await benchmarkRows(set, data)).slice(0, wanted);
    pairs.push(...rows.map(({ chosen, rejected }) => ({ prediction: rejected, reference: chosen })));
  }
  if (pairs.length === count) return pairs;
  throw new UserError(`--rows ${count}: the sets used have only ${pairs.length}`);
}

function metricsReport(
  machine: Machine,
  { rows, length, ours, recipe }: Measurement,
  versions: Readonly<Record<string, string>>,
): string {
  const differences = ours[0]!.scores.flatMap((row, at) =>
    row.map((value, score) => Math.abs(value - recipe[0]!.scores[at]![score]!)),
  );
  const line = (name: string, side: readonly MetricsReport[]) => {
    const seconds = spread(side.map((one) => one.seconds));
    const memory = spread(side.map(({ peakResidentBytes }) => peakResidentBytes / 1e9));
    return [name, shown(seconds, 2), ((1000 * seconds.median) / rows).toFixed(2), memory.most.toFixed(2)];
  };
  const median = spread(ours.map(({ seconds }) => seconds)).median;
  const promised = (PROMISED * rows) / 1000;
  return [
    '# Text metrics: ours and the Python recipe',
    `BLEU-4 over characters and ROUGE-1, 2, L over jieba's words of ${rows} real answers (${length.prediction.toFixed(0)} ` +
      `characters, references of ${length.reference.toFixed(0)}; means), ${ours.length} interleaved repeats, every ` +
      'measurement a process, dictionaries loaded within the time.',
    `${machineLine(machine)}. ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
    table(
      ['', 'seconds: median (spread)', 'milliseconds an answer', 'peak memory, GB'],
      [line('lifealign', ours), line('jieba, rouge-chinese, nltk', recipe)],
    ).trimEnd(),
    `Largest difference of a score: ${Math.max(...differences).toExponential(1)} (as a fraction).`,
    `Promised are ${promised} s: ${median <= promised ? 'kept' : 'NOT kept'}.`,
    '',
  ].join('\n\n');
}

await runCommand(main);
