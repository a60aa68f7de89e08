/**
 * Training preference pairs with a LoRA adapter on one machine: this program, and TRL's DPOTrainer with PEFT on
 * torch, on the same rows, in the same run. Two sets of rows: long prompts that both responses share, and short
 * ones.
 *
 *     npm run bench:training -- [--record] [--resume]
 *
 * `--sets`, `--rows`, `--epochs`, `--repeats` and `--threads` change the defaults below; `--candidates 1,5` tries
 * some of TRL's settings only (their list: trl.ts); `--data` names the benchmark's folder, whose rows are used. Needs Python; the first run installs torch.
 */
import { availableParallelism } from 'node:os';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { openModel, UserError } from '../../src/index.ts';
import { BENCHMARK } from '../../test/parity/benchmark-data.ts';
import { publish, readFlags, runCommand } from '../shared/command.ts';
import { Journal } from '../shared/journal.ts';
import { describeMachine, warnIfBusy } from '../shared/machine.ts';
import { compareTraining, type TrainingComparison } from './compare.ts';
import { trainingReport } from './report.ts';
import { RECIPE } from './request.ts';
import { CANDIDATES } from './trl.ts';

async function main(): Promise<void> {
  const flags = readFlags({
    sets: { type: 'string', default: 'hh-rlhf-helpful-base,safe-rlhf' },
    rows: { type: 'string', default: '48' },
    epochs: { type: 'string', default: '3' },
    repeats: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    candidates: { type: 'string', default: CANDIDATES.map((_, at) => at + 1).join(',') },
    data: { type: 'string', default: BENCHMARK },
    resume: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  });
  const rows = wholeNumber('--rows', flags.rows, RECIPE.effectiveBatch, 100_000);
  if (rows % RECIPE.effectiveBatch !== 0) {
    throw new UserError(
      `--rows ${rows}: expected a multiple of the effective batch, ${RECIPE.effectiveBatch}`,
    );
  }
  const epochs = wholeNumber('--epochs', flags.epochs, 1, 100);
  const repeats = wholeNumber('--repeats', flags.repeats, 1, 100);
  const threads = wholeNumber('--threads', flags.threads, 1, 1024);

  const candidates = flags.candidates
    .split(',')
    .map((number) => CANDIDATES[wholeNumber('--candidates', number, 1, CANDIDATES.length) - 1]!);

  const machine = describeMachine();
  warnIfBusy(machine);
  const model = await openModel('smollm2-135m-instruct');
  const { data } = flags;
  const journal = await Journal.open('training', { machine, rows, epochs, threads, data }, flags.resume);
  const comparisons: TrainingComparison[] = [];
  for (const set of flags.sets.split(',')) {
    comparisons.push(
      await compareTraining({ model, set, data, rows, epochs, repeats, threads, candidates, journal }),
    );
  }
  const numbers = { rows, epochs, threads, repeats, recipe: RECIPE, comparisons };
  const markdown = trainingReport(machine, numbers);
  await publish('training', machine, { markdown, numbers, record: flags.record });
}

await runCommand(main);
