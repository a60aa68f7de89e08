/**
 * Greedy generation with SmolLM2-135M-Instruct by this engine, and by transformers on torch with the same
 * threads: real prompts of different lengths, a fixed number of new tokens, prefill included.
 *
 *     npm run bench:generation -- [--record] [--resume]
 *
 * `--batches`, `--repeats`, `--new-tokens` and `--threads` change the defaults below; `--data` names the
 * benchmark's folder, whose prompts are used. Needs Python; the first run installs torch.
 */
import { availableParallelism } from 'node:os';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { loadTextModel, openModel } from '../../src/index.ts';
import { BENCHMARK, benchmarkPrompts } from '../../test/parity/benchmark-data.ts';
import { publish, readFlags, runCommand } from '../shared/command.ts';
import { Journal } from '../shared/journal.ts';
import { describeMachine, warnIfBusy } from '../shared/machine.ts';
import { compareGeneration, type GenerationComparison } from './compare.ts';
import { generationReport } from './report.ts';

const LONGEST_PROMPT = 250;
/** Fewer would hang on a single prompt's length. */
const LEAST_PROMPTS = 4;

async function main(): Promise<void> {
  const flags = readFlags({
    batches: { type: 'string', default: '1,16' },
    repeats: { type: 'string', default: '3' },
    'new-tokens': { type: 'string', default: '64' },
    threads: { type: 'string', default: String(availableParallelism()) },
    data: { type: 'string', default: BENCHMARK },
    resume: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  });
  const repeats = wholeNumber('--repeats', flags.repeats, 1, 100);
  const newTokens = wholeNumber('--new-tokens', flags['new-tokens'], 1, 1024);
  const threads = wholeNumber('--threads', flags.threads, 1, 1024);
  const batches = flags.batches.split(',').map((text) => wholeNumber('--batches', text, 1, 256));

  const machine = describeMachine();
  warnIfBusy(machine);
  const { path } = await openModel('smollm2-135m-instruct');
  const text = await loadTextModel(path);
  const settings = { machine, newTokens, threads, data: flags.data };
  const journal = await Journal.open('generation', settings, flags.resume);
  const comparisons: GenerationComparison[] = [];
  for (const batchSize of batches) {
    const count = Math.max(batchSize, LEAST_PROMPTS);
    const prompts = await benchmarkPrompts(count, LONGEST_PROMPT, text, flags.data);
    const request = { model: path, prompts: prompts.map((ids) => [...ids]), batchSize, newTokens, threads };
    comparisons.push(await compareGeneration(request, { repeats, journal }));
  }
  const numbers = { newTokens, threads, repeats, comparisons };
  const markdown = generationReport(machine, numbers);
  await publish('generation', machine, { markdown, numbers, record: flags.record });
}

await runCommand(main);
