/** `lifealign memory forget`: a person's rows withdrawn, and every version named that they had a part in. */
import type { Command } from 'commander';
import type { RowText } from '../../../memory/store/rows.ts';
import type { MemoryStore, Withdrawal } from '../../../memory/store/store.ts';
import type { FoundRow, TouchedCommit } from '../../../memory/store/withdraw.ts';
import { UserError } from '../../../support/errors.ts';
import { didYouMean } from '../../../support/nearest-name.ts';
import {
  amount,
  print,
  printJson,
  textTable,
  type WriterFlags,
  withMemory,
  writingCommand,
} from '../../memory-command.ts';

interface ForgetFlags extends WriterFlags {
  readonly rows?: string;
  readonly task?: string;
  readonly reason: string;
  readonly dryRun?: true;
  readonly json?: true;
}

export function registerMemoryForget(program: Command): void {
  writingCommand(program, 'forget')
    .description('withdraw rows from the store, the buffer and the cache, and list the versions they touched')
    .option('--rows <file>', 'rows as they were learned from, or a list of the ids that rows have here')
    .option('--task <name>', 'instead: all rows of a task, such as one that the gate refused')
    .option('--reason <text>', 'kept with the withdrawn rows', 'withdrawn')
    .option('--dry-run', 'only say what would be withdrawn')
    .option('--json', 'as a JSON object')
    .action(forget);
}

async function forget({ rows: file, task, reason, dryRun, json, ...flags }: ForgetFlags): Promise<void> {
  if ((file === undefined) === (task === undefined)) {
    throw new UserError('expected --rows FILE or --task NAME: which rows are withdrawn');
  }
  const wanted = file === undefined ? NOTHING : await readWanted(file);
  const { findRows, commitsTouched, rowsOfTask } = await import('../../../memory/store/withdraw.ts');
  await withMemory(flags, async (writer) => {
    const { store } = writer;
    const rows = task === undefined ? await findRows(store, wanted) : await rowsOfTask(store, task);
    if (task !== undefined && rows.length === 0) throw await noRows(store, task);
    const withdrawn = await store.withdrawn();
    const earlier = wanted.ids.flatMap((id) => withdrawn.get(id) ?? []);
    const ids = new Set([...rows.map(({ row }) => row.id), ...wanted.ids.filter((id) => withdrawn.has(id))]);
    const touched = await commitsTouched(store, ids);
    const missing = await notFound(wanted, rows, withdrawn);
    if (!dryRun) await writer.forget(rows, reason);
    if (json) {
      printJson({
        memory: flags.memory,
        withdrawn: dryRun ? 0 : rows.length,
        found: rows.map(({ row, task }) => ({ id: row.id, task })),
        withdrawn_before: earlier.length,
        not_found: missing,
        touched: touched.map(({ commit, rows: uses }) => ({
          version: commit.number,
          commit: commit.hash,
          task: commit.task,
          stage: commit.stage,
          ...uses,
        })),
        certified_unlearning: false,
      });
    } else print(report({ rows, earlier, touched, missing, dryRun: dryRun === true }));
  });
}

interface Wanted {
  readonly ids: readonly string[];
  readonly texts: readonly RowText[];
}

const NOTHING: Wanted = { ids: [], texts: [] };

async function noRows(store: MemoryStore, task: string): Promise<UserError> {
  const manifest = await store.manifest((await store.head()).entry);
  const names = [...new Set(manifest.files.map((file) => file.task))];
  const there = names.length === 0 ? 'it has none at all' : `it has rows of ${names.join(', ')}`;
  return new UserError(
    `${store.folder}: it has no rows of a task "${task}"; ${there}.${didYouMean(task, names)}`,
  );
}

/** Ids, where every record is one or an object with nothing but one; rows otherwise. */
async function readWanted(file: string): Promise<Wanted> {
  const { readRecords } = await import('../../../data/records.ts');
  const records = await readRecords(file);
  const ids = records.map(({ value }) => idOf(value));
  if (ids.length > 0 && ids.every((id) => id !== undefined)) return { ids, texts: [] };
  const at = ids.findIndex((id) => id !== undefined);
  if (at !== -1) {
    throw new UserError(
      `${file}, row ${records[at]!.row}: an id among rows; expected ids only, or rows only`,
    );
  }
  const { readPreferenceRows } = await import('../../../data/read-rows.ts');
  return { ids: [], texts: (await readPreferenceRows(file, { invalidRows: 'error' })).rows };
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return /^[0-9a-f]{64}$/.test(value) ? value : undefined;
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'id') return undefined;
  return idOf((value as { id: unknown }).id);
}

/** Rows of the file, counted from 1, that the memory does not hold and has not withdrawn. */
async function notFound(
  { ids, texts }: Wanted,
  found: readonly FoundRow[],
  withdrawn: ReadonlyMap<string, Withdrawal>,
): Promise<number[]> {
  const { rowContent } = await import('../../../memory/store/rows.ts');
  const known = new Set(found.flatMap(({ row }) => [row.id, rowContent(row)]));
  const isMissing = [
    ...ids.map((id) => !known.has(id) && !withdrawn.has(id)),
    ...texts.map((text) => !known.has(rowContent(text))),
  ];
  return isMissing.flatMap((missing, at) => (missing ? [at + 1] : []));
}

interface Report {
  readonly rows: readonly FoundRow[];
  readonly earlier: readonly Withdrawal[];
  readonly touched: readonly TouchedCommit[];
  readonly missing: readonly number[];
  readonly dryRun: boolean;
}

function report({ rows, earlier, touched, missing, dryRun }: Report): string {
  const tasks = [...new Set(rows.map(({ task }) => task))];
  const of = tasks.length === 0 ? '' : ` of ${tasks.join(', ')}`;
  const done = dryRun ? 'would be withdrawn' : "withdrawn from the memory's store, buffer and cache";
  const head = ['version', 'task', 'stage', 'trained on', 'replayed', 'gate', 'report'];
  const lines = touched.map(({ commit, rows: uses }) => [
    String(commit.number),
    commit.task ?? '',
    commit.stage ?? '',
    ...[uses.trained, uses.replayed, uses.gate, uses.report].map(String),
  ]);
  return [
    `${amount(rows.length, 'row')}${of} ${done}`,
    ...(earlier.length === 0 ? [] : [`${amount(earlier.length, 'row')} had been withdrawn before`]),
    ...(missing.length === 0 ? [] : [`not in the memory: row ${missing.join(', ')} of the file`]),
    ...(lines.length === 0
      ? ['No version had any of them.']
      : ['Versions that they had a part in, and how many of them:', textTable([head, ...lines])]),
    'This is no certified unlearning: the adapters keep what they learned from these rows, and later tasks were ' +
      'trained on top. "memory drop TASK" takes a whole task out.',
  ].join('\n');
}
