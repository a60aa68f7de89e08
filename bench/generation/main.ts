/**
 * Greedy generation with SmolLM2-135M-Instruct by this engine, and by transformers on torch with the same
 * threads: real prompts of different lengths, a fixed number of new tokens, prefill included.
 *
 *     npm run bench:generate -- [--short] [--record] [--resume]
 *
 * `--batches`, `--repeats`, `--new-tokens` and `--threads` change the sizes below; `--data` names the
 * benchmark's folder, whose prompts are used. Needs Python; the first run installs torch.
 */
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { loadTextModel, openModel } from '../../src/index.ts';
import { benchmarkPrompts } from '../../test/parity/benchmark-data.ts';
import { publish, readSizedFlags, runCommand } from '../shared/command.ts';
import { Journal } from '../shared/journal.ts';
import { describeMachine, warnIfBusy } from '../shared/machine.ts';
import { compareGeneration, type GenerationComparison } from './compare.ts';
import { generationReport } from './report.ts';

const LONGEST_PROMPT = 250;
/** Fewer would hang on a single prompt's length. */
const LEAST_PROMPTS = 4;

async function main(): Promise<void> {
  const { sizes, threads, data, form, record, resume } = readSizedFlags({
    batches: { full: '1,16', short: '1,16' },
    repeats: { full: '3', short: '1' },
    'new-tokens': { full: '64', short: '16' },
  });
  const repeats = wholeNumber('--repeats', sizes.repeats, 1, 100);
  const newTokens = wholeNumber('--new-tokens', sizes['new-tokens'], 1, 1024);
  const batches = sizes.batches.split(',').map((text) => wholeNumber('--batches', text, 1, 256));

  const machine = describeMachine();
  warnIfBusy(machine);
  const { path } = await openModel('smollm2-135m-instruct');
  const text = await loadTextModel(path);
  const journal = await Journal.open('generate', { machine, newTokens, threads, data }, resume);
  const results: GenerationComparison[] = [];
  for (const batchSize of batches) {
    const count = Math.max(batchSize, LEAST_PROMPTS);
    const prompts = await benchmarkPrompts(count, LONGEST_PROMPT, text, data);
    const request = { model: path, prompts: prompts.map((ids) => [...ids]), batchSize, newTokens, threads };
    results.push(await compareGeneration(request, { repeats, journal }));
  }
  const numbers = { newTokens, threads, repeats, batches: results };
  const markdown = generationReport(machine, numbers);
  const comparisons = results.flatMap((batch) => batch.comparisons);
  const { versions } = results[0]!;
  await publish('generate', machine, { markdown, numbers, comparisons, versions, form, record });
}

await runCommand(main);
