/**
 * The gate, composition and retrieval at work on the embedded base: a memory learns four tasks of the built-in stream;
 * onto it come a harmless task, one whose labels are those of an earlier task swapped, and one in between, of which a
 * part is. Then what can be made of the memory is measured beside the whole of it.
 *
 *     npx tsx experiments/memory/gate.ts [--record]
 *
 * Every number comes from the command line itself. `--record` keeps them in results/gate.md.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { demoSettings } from '../../src/cli/demo/settings.ts';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { type BuiltinRow, builtinRows } from '../../src/data/builtin/rows.ts';
import { makeFolder, writeFileAtomic } from '../../src/support/atomic-file.ts';

const BIN = fileURLToPath(new URL('../../bin/lifealign.js', import.meta.url));
const RESULTS = fileURLToPath(new URL('results', import.meta.url));
const EARLIER = ['empathy', 'facts', 'voice', 'format'];
const ROWS = 280;

const { batchSize, epochs, lora, rates } = demoSettings.tiny;
const stage = { batch_size: batchSize, warmup_ratio: 0.1 };
const config = {
  base: 'tiny',
  lora: { ...lora, targets: [...lora.targets] },
  learn: {
    stages: {
      sft: { ...stage, epochs: epochs.sft, learning_rate: rates.lifealign.sft },
      preference: { ...stage, epochs: epochs.preference, learning_rate: rates.lifealign.preference },
    },
    general: { rows: 'builtin:neutral/everyday' },
    max_length: 256,
    split: { gate: 80, report: 80 },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'lifealign-gate-'));
const sections: string[] = [];
try {
  const memory = join(folder, 'memory');
  writeFileSync(join(folder, 'memory.yaml'), stringify(config));
  lifealign(['memory', 'init', '--memory', memory, '--config', join(folder, 'memory.yaml')]);
  for (const task of EARLIER) {
    const { stdout } = learn(memory, task, rowsOf(task, ROWS, 0));
    if (task === EARLIER.at(-1)) section(`The fourth task: ${task}`, stdout);
  }
  const updates = [
    { title: 'Harmless: a task of its own', task: 'safety', rows: rowsOf('safety', ROWS, 0) },
    {
      title: 'Poisoned: new rows of empathy, labels swapped',
      task: 'poisoned',
      rows: swapped(rowsOf('empathy', ROWS, 1)),
    },
    {
      title: 'In between: honesty, and among its rows some of facts, labels swapped',
      task: 'mixed',
      rows: [...rowsOf('honesty', ROWS - 70, 0), ...swapped(rowsOf('facts', 70, 1))],
    },
  ];
  for (const { title, task, rows } of updates) {
    const copy = join(folder, task);
    cpSync(memory, copy, { recursive: true });
    const { stdout, status } = learn(copy, task, rows);
    section(`${title} (exit code ${status})`, stdout);
  }
  const measure = [
    'memory',
    'measure',
    '--memory',
    memory,
    '--tasks',
    'empathy,format',
    '--retrieve',
    '1,2,3,4',
  ];
  section('Composition and retrieval beside the whole memory', lifealign(measure).stdout);
  section('Directions that the tasks share', lifealign(['memory', 'overlap', '--memory', memory]).stdout);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const text = `# The gate, composition and retrieval on the embedded base\n\nWritten by \`npx tsx experiments/memory/gate.ts --record\`.\n\n${sections.join('\n\n')}\n`;
process.stdout.write(text);
if (process.argv.includes('--record')) {
  await makeFolder(RESULTS);
  await writeFileAtomic(join(RESULTS, 'gate.md'), text);
}

function section(title: string, output: string): void {
  sections.push(`## ${title}\n\n\`\`\`text\n${output.trimEnd()}\n\`\`\``);
}

function learn(memory: string, task: string, rows: readonly BuiltinRow[]) {
  const data = join(folder, `${task}.json`);
  writeFileSync(data, JSON.stringify(rows));
  return lifealign(['learn', '--memory', memory, '--task', task, '--data', data]);
}

function lifealign(args: readonly string[]) {
  const { status, stdout } = spawnSync(process.execPath, [BIN, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0 && status !== 3) throw new Error(`lifealign ${args.join(' ')} ended with ${status}`);
  return { status, stdout };
}

function rowsOf(name: string, count: number, seed: number): readonly BuiltinRow[] {
  return builtinRows(builtinTasks.find((task) => task.name === name)!, 'train', count, seed);
}

function swapped(rows: readonly BuiltinRow[]): readonly BuiltinRow[] {
  return rows.map(({ query, chosen, rejected }) => ({ query, chosen: rejected, rejected: chosen }));
}
