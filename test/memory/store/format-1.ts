/** A memory as format 1 had it: commits that say nothing of the base's precision, under a head of version 1. */
import { writeFileSync } from 'node:fs';
import type { EntryRecord } from '../../../src/memory/store/records.ts';
import { seal } from '../../../src/memory/store/sealed.ts';
import type { MemoryStore } from '../../../src/memory/store/store.ts';

/** Writes every commit and entry anew; what they name otherwise stays. */
export async function makeFormat1(store: MemoryStore): Promise<void> {
  const { objects, head: file } = store.layout;
  const entries = [];
  for await (const entry of store.entries()) entries.unshift(entry);
  const renamed = new Map<string, string>();
  let previous: string | null = null;
  for (const { hash: _, ...entry } of entries) {
    for (const added of entry.added) {
      const { hash, precisions: __, ...commit } = await store.commit(added);
      const parent = commit.parent && renamed.get(commit.parent)!;
      renamed.set(hash, await objects.putJson({ ...commit, parent }));
    }
    const head = renamed.get(entry.head)!;
    const record: EntryRecord = {
      ...entry,
      previous,
      head,
      added: entry.added.map((one) => renamed.get(one)!),
    };
    previous = await objects.putJson(record);
  }
  const lines = ['format: lifealign-memory', 'version: 1', 'written_by: 0.1.0', `entry: ${previous}`];
  writeFileSync(file, seal(`${lines.join('\n')}\n`));
}
