/**
 * Training preference pairs with a LoRA adapter on one machine: this program, and TRL's DPOTrainer with PEFT on
 * torch, on the same rows, in the same run. Two sets of rows: long prompts that both responses share, and short
 * ones.
 *
 *     npm run bench:train -- [--short] [--record] [--resume]
 *
 * `--sets`, `--rows`, `--epochs`, `--repeats`, `--candidates 1,5` (some of
 * TRL's settings only; their list: trl.ts) and `--threads` change the sizes below; `--data` names the benchmark's
 * folder, whose rows are used. Needs Python; the first run installs torch.
 */
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { openModel, UserError } from '../../src/index.ts';
import { publish, readSizedFlags, runCommand } from '../shared/command.ts';
import { Journal } from '../shared/journal.ts';
import { describeMachine, warnIfBusy } from '../shared/machine.ts';
import { compareTraining, type TrainingComparison } from './compare.ts';
import { trainingReport } from './report.ts';
import { RECIPE } from './request.ts';
import { CANDIDATES } from './trl.ts';

async function main(): Promise<void> {
  const { sizes, threads, data, form, record, resume } = readSizedFlags({
    sets: { full: 'hh-rlhf-helpful-base,safe-rlhf', short: 'hh-rlhf-helpful-base' },
    rows: { full: '48', short: '16' },
    epochs: { full: '3', short: '1' },
    repeats: { full: '2', short: '1' },
    candidates: { full: CANDIDATES.map((_, at) => at + 1).join(','), short: '1' },
  });
  const rows = wholeNumber('--rows', sizes.rows, RECIPE.effectiveBatch, 100_000);
  if (rows % RECIPE.effectiveBatch !== 0) {
    throw new UserError(
      `--rows ${rows}: expected a multiple of the effective batch, ${RECIPE.effectiveBatch}`,
    );
  }
  const epochs = wholeNumber('--epochs', sizes.epochs, 1, 100);
  const repeats = wholeNumber('--repeats', sizes.repeats, 1, 100);

  const candidates = sizes.candidates
    .split(',')
    .map((number) => CANDIDATES[wholeNumber('--candidates', number, 1, CANDIDATES.length) - 1]!);

  const machine = describeMachine();
  warnIfBusy(machine);
  const model = await openModel('smollm2-135m-instruct');
  const journal = await Journal.open('train', { machine, rows, epochs, threads, data }, resume);
  const sets: TrainingComparison[] = [];
  for (const set of sizes.sets.split(',')) {
    sets.push(
      await compareTraining({ model, set, data, rows, epochs, repeats, candidates, threads, journal }),
    );
  }
  const numbers = { rows, epochs, threads, repeats, recipe: RECIPE, sets };
  const markdown = trainingReport(machine, numbers);
  const comparisons = sets.flatMap((set) => set.comparisons);
  const { versions } = sets[0]!;
  await publish('train', machine, { markdown, numbers, comparisons, versions, form, record });
}

await runCommand(main);
