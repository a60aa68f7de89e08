/**
 * What the search for contradictions takes, by letters and by the embeddings of models/tiny, with so many accepted rows
 * and a thousand new ones, half of which contradict one: rows of made words as long as those of hh-rlhf. One thread.
 *
 *     npx tsx bench/conflicts.ts [-- --rows 10000,100000] [--record]
 */
import { performance } from 'node:perf_hooks';
import { wholeNumber } from '../src/cli/whole-number.ts';
import type { PreferenceRow } from '../src/data/row.ts';
import { findConflicts } from '../src/learn/conflicts/find.ts';
import { openModel } from '../src/model/resolve.ts';
import { TokenEmbeddings } from '../src/model/token-embeddings.ts';
import { Random } from '../src/support/random.ts';
import { loadTextModel } from '../src/text/text-model.ts';
import { publish, readFlags, runCommand } from './shared/command.ts';
import { describeMachine, machineLine, warnIfBusy } from './shared/machine.ts';
import { table } from './shared/summary.ts';

const NEW_ROWS = 1000;
/** Words of prompt and responses. */
const LENGTHS = [90, 35, 35] as const;
const VOCABULARY = 5000;

function madeRows(count: number, random: Random): PreferenceRow[] {
  const letters = (length: number) =>
    String.fromCharCode(...Array.from({ length }, () => 97 + random.integer(26)));
  const words = Array.from({ length: VOCABULARY }, () => letters(2 + random.integer(7)));
  // Frequent words far more often than rare ones, as in a language.
  const text = (length: number) =>
    Array.from({ length }, () => words[Math.floor(VOCABULARY ** random.uniform()) - 1]).join(' ');
  return Array.from({ length: count }, (_, index) => {
    const [prompt, chosen, rejected] = LENGTHS.map(text);
    return { index, prompt: [{ role: 'user', content: prompt! }], chosen: chosen!, rejected: rejected! };
  });
}

async function main(): Promise<void> {
  const flags = readFlags({
    rows: { type: 'string', default: '10000,100000' },
    record: { type: 'boolean', default: false },
  });
  const counts = flags.rows.split(',').map((text) => wholeNumber('--rows', text, NEW_ROWS, 10_000_000));
  const machine = describeMachine();
  warnIfBusy(machine);
  const model = await openModel('tiny');
  const { tokenizer } = await loadTextModel(model.path);
  const source = { tokenizer, embeddings: TokenEmbeddings.of(model) };
  const results = counts.map((count) => {
    const rows = madeRows(count + NEW_ROWS / 2, Random.fromSeed(0));
    const accepted = rows.slice(0, count).map((row) => ({ task: 'accepted', row }));
    const asked = rows.slice(count - NEW_ROWS / 2).map((row, at) => {
      const isExchanged = at < NEW_ROWS / 2;
      return { ...row, ...(isExchanged ? { chosen: row.rejected, rejected: row.chosen } : {}) };
    });
    const timed = (options: Parameters<typeof findConflicts>[2]) => {
      const start = performance.now();
      const found = findConflicts(asked, accepted, options).length;
      return { seconds: (performance.now() - start) / 1000, found };
    };
    const letters = timed({});
    process.stderr.write(`${count} rows by letters: ${letters.seconds.toFixed(1)} s\n`);
    const both = timed({ source });
    process.stderr.write(`${count} rows by both: ${both.seconds.toFixed(1)} s\n`);
    return { count, letters, both };
  });
  const head = ['accepted rows', 'by letters, s', 'by letters and embeddings, s', 'found'];
  const lines = results.map(({ count, letters, both }) => [
    String(count),
    letters.seconds.toFixed(1),
    both.seconds.toFixed(1),
    `${letters.found} of ${NEW_ROWS / 2}`,
  ]);
  const markdown = `${machineLine(machine)}\n\n${NEW_ROWS} new rows.\n\n${table(head, lines)}`;
  await publish('conflicts', machine, {
    markdown,
    numbers: { results },
    // Nothing else does this; the numbers stand for themselves.
    comparisons: [],
    versions: {},
    form: 'full',
    record: flags.record,
  });
}

await runCommand(main);
