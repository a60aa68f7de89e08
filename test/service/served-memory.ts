/** A memory of a few numbers behind a service in this process: two tasks learned, the second refused nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockMemory } from '../../src/memory/store/writer.ts';
import type { ServedMemory } from '../../src/service/memories/describe.ts';
import { createSmallMemory, learnSmall } from '../memory/store/small-memory.ts';

export interface SmallServed {
  readonly served: ServedMemory;
  readonly folder: string;
  end(): void;
}

/** @param tasks learned one after the other, in two stages each */
export async function serveSmall(...tasks: readonly string[]): Promise<SmallServed> {
  const parent = mkdtempSync(join(tmpdir(), 'lifealign-served-'));
  const folder = join(parent, 'support');
  const store = await createSmallMemory(folder);
  const writer = await lockMemory(folder);
  try {
    for (const task of tasks) await learnSmall(writer, task);
  } finally {
    writer.release();
  }
  const served = { name: 'support', store, serving: () => 2 * tasks.length };
  return { served, folder, end: () => rmSync(parent, { recursive: true, force: true }) };
}
