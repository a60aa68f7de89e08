/**
 * How long one waits, with SmolLM2-135M-Instruct in the cache: from the command to the end of the first training
 * step, and from the command to the score of one pair. Each time a process of its own runs the command as users
 * of a checkout do: the sources, compiled on the fly.
 *
 *     npm run bench:startup -- [--short] [--repeats 5] [--threads N] [--record]
 *
 * Rows are short and batches single, so that what is measured is starting. Before the first step a run scores
 * the base on its test rows, here one.
 */
import { join } from 'node:path';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { openModel } from '../../src/index.ts';
import { publish, readSizedFlags, runCommand } from '../shared/command.ts';
import { compare } from '../shared/comparison.ts';
import { describeMachine, type Machine, machineLine, warnIfBusy } from '../shared/machine.ts';
import { withScratchFolder } from '../shared/scratch.ts';
import { shown, spread, table } from '../shared/summary.ts';
import { secondsToFirstStep, secondsToScore, writeStartupFiles } from './runs.ts';

const MODEL = 'smollm2-135m-instruct';
/** Seconds that the project promises. */
const PROMISED = { firstStep: 5, score: 3 } as const;

interface StartupNumbers {
  readonly threads: number;
  /** Seconds, one number a process. */
  readonly firstStep: readonly number[];
  readonly score: readonly number[];
}

async function main(): Promise<void> {
  const { sizes, threads, form, record } = readSizedFlags({ repeats: { full: '5', short: '2' } });
  const repeats = wholeNumber('--repeats', sizes.repeats, 1, 100);
  const machine = describeMachine();
  warnIfBusy(machine);
  const numbers = await measureStartup(repeats, threads);
  const markdown = startupReport(machine, numbers);
  const seconds = { against: 'promised', unit: 's', better: 'less' } as const;
  const comparisons = [
    compare({ ...seconds, name: 'to the first step', ours: numbers.firstStep, peer: PROMISED.firstStep }),
    compare({ ...seconds, name: 'to the score of a pair', ours: numbers.score, peer: PROMISED.score }),
  ];
  await publish('startup', machine, { markdown, numbers, comparisons, versions: {}, form, record });
}

async function measureStartup(repeats: number, threads: number): Promise<StartupNumbers> {
  // Pulls it where it is missing, before any clock runs.
  await openModel(MODEL);
  return withScratchFolder(async (folder) => {
    const { config, pair } = await writeStartupFiles(MODEL, folder);
    const [firstStep, score]: [number[], number[]] = [[], []];
    for (let round = 1; round <= repeats; round++) {
      firstStep.push(await secondsToFirstStep(config, join(folder, `run-${round}`), threads));
      score.push(await secondsToScore(MODEL, pair, join(folder, `scores-${round}.jsonl`), threads));
    }
    return { threads, firstStep, score };
  });
}

function startupReport(machine: Machine, { threads, firstStep, score }: StartupNumbers): string {
  const line = (name: string, seconds: readonly number[], promised: number) => {
    const found = spread(seconds);
    return [name, shown(found), `${promised}: ${found.median <= promised ? 'kept' : 'NOT kept'}`];
  };
  return [
    '# From the command to the first result',
    `${MODEL} in the cache, ${threads} threads, ${score.length} processes each, sources compiled on the fly.`,
    `${machineLine(machine)}.`,
    table(
      ['from the command', 'seconds: median (spread)', 'promised'],
      [
        line('to the end of the first training step, one short row', firstStep, PROMISED.firstStep),
        line('to the score of one short pair, written', score, PROMISED.score),
      ],
    ),
  ].join('\n\n');
}

await runCommand(main);
