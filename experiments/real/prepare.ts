/**
 * Cuts the benchmark's files into training, validation and test rows for the experiments here.
 *
 *     npx tsx experiments/real/prepare.ts [folder of the benchmark]
 *
 * Learning rates and the like are chosen on the validation rows, which come from the end of the training
 * files; test rows are the benchmark's own. HC3, of which only the test file is at hand, is cut into three, of
 * its shorter rows alone.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../../src/support/atomic-file.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const source = process.argv[2] ?? join(root, '..', 'shared', 'data', 'lifealign-bench');
const target = join(root, 'runs', 'data');

const validationRows = 300;
/** Prompt and longer response together; all but a few of HC3's rows are too long for two cores. */
const hc3Characters = 1400;

interface Row {
  readonly query: string;
  readonly chosen: string;
  readonly rejected: string;
}

async function rowsOf(...path: string[]): Promise<Row[]> {
  return JSON.parse(await readFile(join(source, ...path), 'utf8')) as Row[];
}

async function write(name: string, rows: readonly Row[]): Promise<void> {
  await writeFileAtomic(join(target, `${name}.json`), `${JSON.stringify(rows)}\n`);
  process.stdout.write(`${name}: ${rows.length} rows\n`);
}

await mkdir(target, { recursive: true });
const tasks = {
  harmless: 'hh-rlhf-harmless-base',
  helpful: 'hh-rlhf-helpful-base',
  safe: 'safe-rlhf',
  truthful: 'TruthfulQA',
};
for (const [name, folder] of Object.entries(tasks)) {
  const rows = await rowsOf(folder, 'train.json');
  const kept = rows.length - Math.min(validationRows, Math.floor(rows.length / 4));
  await write(`${name}-train`, rows.slice(0, kept));
  await write(`${name}-validation`, rows.slice(kept));
  await write(`${name}-test`, await rowsOf(folder, 'test.json'));
}
const hc3 = (await rowsOf('HC3', 'test.json')).filter(
  ({ query, chosen, rejected }) => query.length + Math.max(chosen.length, rejected.length) <= hc3Characters,
);
await write('hc3-train', hc3.slice(0, 130));
await write('hc3-validation', hc3.slice(130, 210));
await write('hc3-test', hc3.slice(210));
