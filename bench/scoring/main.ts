/**
 * Log-probs of both responses of real pairs with SmolLM2-135M-Instruct by this engine, and by transformers on torch
 * with the same threads.
 *
 *     npm run bench:score -- [--short] [--record] [--resume]
 *
 * `--sets`, `--pairs`, `--repeats` and `--threads` change the sizes below; `--data` names the benchmark's folder, whose
 * rows are used. Needs Python; the first run installs torch.
 */
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { loadTextModel, openModel } from '../../src/index.ts';
import { publish, readSizedFlags, runCommand } from '../shared/command.ts';
import { Journal } from '../shared/journal.ts';
import { describeMachine, warnIfBusy } from '../shared/machine.ts';
import { firstPairs } from '../shared/pairs.ts';
import { compareScoring, type ScoringComparison } from './compare.ts';
import { scoringReport } from './report.ts';

/** As many as a micro-batch of every lane takes. */
const WARM_UP = 4;

async function main(): Promise<void> {
  const { sizes, threads, data, form, record, resume } = readSizedFlags({
    sets: { full: 'hh-rlhf-helpful-base,safe-rlhf', short: 'safe-rlhf' },
    pairs: { full: '48', short: '8' },
    repeats: { full: '3', short: '1' },
  });
  const pairs = wholeNumber('--pairs', sizes.pairs, 1, 100_000);
  const repeats = wholeNumber('--repeats', sizes.repeats, 1, 100);

  const machine = describeMachine();
  warnIfBusy(machine);
  const model = await openModel('smollm2-135m-instruct');
  const text = await loadTextModel(model.path, model.config.vocabularySize);
  const journal = await Journal.open('score', { machine, pairs, threads, data }, resume);
  const sets: ScoringComparison[] = [];
  for (const set of sizes.sets.split(',')) {
    const chosen = await firstPairs({ model, text, set, data, count: pairs });
    const rows = chosen.map(({ ids: { prompt, chosen, rejected } }) => ({
      prompt: [...prompt],
      chosen: [...chosen],
      rejected: [...rejected],
    }));
    sets.push(
      await compareScoring(set, { model: model.path, rows, threads, warmUp: WARM_UP }, { repeats, journal }),
    );
  }
  const numbers = { pairs, threads, repeats, sets };
  const markdown = scoringReport(machine, numbers);
  const comparisons = sets.flatMap((set) => set.comparisons);
  await publish('score', machine, {
    ...{ markdown, numbers, comparisons, versions: sets[0]!.versions, form, record },
  });
}

await runCommand(main);
