/**
 * Rows taken out of a memory: the files that hold their texts are written again without them, and a tombstone says of
 * each when and why. Commits name rows by id only and stay as they are.
 */
import { type RowsManifest, type Tombstone, taskRecordSchema, tombstoneSchema } from './records.ts';
import { putRows, type RowText, readRowsFile, rowContent, type StoredRow } from './rows.ts';
import type { Commit, MemoryStore } from './store.ts';

export interface FoundRow {
  readonly row: StoredRow;
  readonly task: string;
}

/** Stored rows that have one of the ids, or the texts of one of the rows. */
export async function findRows(
  store: MemoryStore,
  wanted: { readonly ids: Iterable<string>; readonly texts: Iterable<RowText> },
): Promise<readonly FoundRow[]> {
  const ids = new Set(wanted.ids);
  const contents = new Set(Array.from(wanted.texts, rowContent));
  const isWanted = (row: StoredRow) => ids.has(row.id) || contents.has(rowContent(row));
  const manifest = await store.manifest((await store.head()).entry);
  const found: FoundRow[] = [];
  for (const { file, task } of manifest.files) {
    const rows = await readRowsFile(store.layout.rows, file);
    found.push(...rows.filter(isWanted).map((row) => ({ row, task })));
  }
  return found;
}

/** All stored rows of a task, of whichever version. */
export async function rowsOfTask(store: MemoryStore, name: string): Promise<readonly FoundRow[]> {
  const manifest = await store.manifest((await store.head()).entry);
  const files = manifest.files.filter(({ task }) => task === name);
  const rows = await Promise.all(files.map(({ file }) => readRowsFile(store.layout.rows, file)));
  return rows.flat().map((row) => ({ row, task: name }));
}

/** The manifest without the rows, whose new files are written; the old ones go when the head has moved. */
export async function manifestWithout(
  store: MemoryStore,
  rows: readonly FoundRow[],
  tombstone: Omit<Tombstone, 'rows'>,
): Promise<RowsManifest> {
  const manifest = await store.manifest((await store.head()).entry);
  if (rows.length === 0) return manifest;
  const gone = new Set(rows.map(({ row }) => row.id));
  const files: RowsManifest['files'] = [];
  for (const named of manifest.files) {
    const all = await readRowsFile(store.layout.rows, named.file);
    const kept = all.filter(({ id }) => !gone.has(id));
    if (kept.length === all.length) files.push(named);
    else if (kept.length > 0) {
      files.push({ task: named.task, file: await putRows(store.layout.rows, kept), rows: kept.length });
    }
  }
  const record: Tombstone = { ...tombstone, rows: rows.map(({ row, task }) => ({ id: row.id, task })) };
  return {
    files,
    tombstones: [...manifest.tombstones, await store.layout.objects.putRecord(tombstoneSchema, record)],
  };
}

/** How rows took part in a version: trained on as the task's own or out of the buffer, or measured on. */
export const rowUses = ['trained', 'replayed', 'gate', 'report'] as const;
export type RowUse = (typeof rowUses)[number];

export interface TouchedCommit {
  readonly commit: Commit;
  /** How many of the rows, by use; at least one is above 0. */
  readonly rows: Readonly<Record<RowUse, number>>;
}

/**
 * Every version, refused and reverted ones among them, that any of the rows had a part in. A buffer goes on naming rows
 * that were withdrawn; versions made after that did not replay them.
 */
export async function commitsTouched(
  store: MemoryStore,
  ids: ReadonlySet<string>,
): Promise<readonly TouchedCommit[]> {
  const versions = await store.versions();
  const { made, withdrawn } = await orderOf(store);
  const buffers = new Map<string, readonly string[]>();
  for (const { hash, buffer } of versions) {
    const entries = buffer === null ? [] : await store.bufferAsWritten(buffer);
    buffers.set(
      hash,
      entries.flatMap(({ row }) => (ids.has(row) ? [row] : [])),
    );
  }
  const replayedBy = ({ hash, parent }: Commit) => {
    const wasThere = (id: string) => made.get(hash)! < (withdrawn.get(id) ?? Number.POSITIVE_INFINITY);
    return parent === null ? 0 : (buffers.get(parent) ?? []).filter(wasThere).length;
  };
  const touched: TouchedCommit[] = [];
  for (const commit of versions) {
    if (commit.rows === null) continue;
    const { train, gate, report } = await store.layout.objects.readJson(commit.rows, taskRecordSchema);
    const among = (rows: readonly string[]) => rows.filter((id) => ids.has(id)).length;
    const rows = {
      trained: among(train),
      replayed: replayedBy(commit),
      gate: among(gate),
      report: among(report),
    };
    if (Object.values(rows).some((count) => count > 0)) touched.push({ commit, rows });
  }
  return touched;
}

/** The entry of the log that added a version, by its hash, and the one that withdrew a row, by its id: no clock is asked. */
async function orderOf(store: MemoryStore): Promise<{
  readonly made: ReadonlyMap<string, number>;
  readonly withdrawn: ReadonlyMap<string, number>;
}> {
  const made = new Map<string, number>();
  const withdrawals = new Map<string, number>();
  let [manifest, tombstones]: [string, readonly string[]] = ['', []];
  // Newest first: the last entry that is seen to have a tombstone is the one that wrote it.
  for await (const entry of store.entries()) {
    for (const hash of entry.added) made.set(hash, entry.number);
    if (entry.rows !== manifest) {
      manifest = entry.rows;
      tombstones = (await store.manifest(entry)).tombstones;
    }
    for (const hash of tombstones) withdrawals.set(hash, entry.number);
  }
  const withdrawn = new Map<string, number>();
  for (const [hash, number] of withdrawals) {
    const { rows } = await store.layout.objects.readJson(hash, tombstoneSchema);
    for (const { id } of rows) withdrawn.set(id, Math.min(number, withdrawn.get(id) ?? number));
  }
  return { made, withdrawn };
}
