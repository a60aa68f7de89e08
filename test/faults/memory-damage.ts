/** Damage done to a memory's files one at a time, and whether `verify` names the file. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLayout } from '../../src/memory/store/format.ts';
import { verifyMemory } from '../../src/memory/store/verify.ts';
import { findRows } from '../../src/memory/store/withdraw.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import type { Random } from '../../src/support/random.ts';
import { clock, createSmallMemory, learnSmall, rowText, smallTask } from '../memory/store/small-memory.ts';

/** A memory in which everything has happened once. */
export async function eventfulMemory(folder: string): Promise<void> {
  const store = await createSmallMemory(folder);
  const writer = await lockMemory(folder, { now: clock() });
  try {
    await learnSmall(writer, 'tone', { stages: ['preference'] });
    await learnSmall(writer, 'policy', { stages: ['preference'] });
    await writer.keepAside(await smallTask(store, 'bad', { stages: ['preference'] }), 'budget broken');
    await writer.drop(await writer.planDrop('tone'));
    await writer.forget(await findRows(store, { ids: [], texts: [rowText('policy', 7)] }), 'asked for');
    await writer.revert('2');
    await writer.revert('4');
  } finally {
    writer.release();
  }
}

/** As `damageEach`, on a memory of its own. */
export async function damageMemory(
  amounts: { readonly flips: number; readonly cuts: number },
  random: Random,
): Promise<DamageReport> {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lifealign-damage-'));
  try {
    await eventfulMemory(folder);
    return await damageEach(folder, amounts, random);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface DamageReport {
  readonly flips: number;
  readonly cuts: number;
  /** What was done to which file without `verify` naming it. */
  readonly missed: readonly string[];
}

/** Flips a bit in files chosen by size and by turn, and cuts bytes off their end; each is mended again. */
export async function damageEach(
  folder: string,
  { flips, cuts }: { readonly flips: number; readonly cuts: number },
  random: Random,
): Promise<DamageReport> {
  const layout = new MemoryLayout(folder);
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
  const missed: string[] = [];
  const tryOne = async (name: string, what: string, bytes: Uint8Array) => {
    const original = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), bytes);
    const named = await damaged(layout);
    if (!named.includes(name)) missed.push(`${name}: ${what}; found: ${named.join('; ') || 'nothing'}`);
    writeFileSync(join(folder, name), original);
  };
  for (let at = 0; at < flips; at++) {
    const name = files[at % files.length]!;
    const bytes = readFileSync(join(folder, name));
    const bit = random.integer(8 * bytes.length);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    await tryOne(name, `bit ${bit}`, bytes);
  }
  for (let at = 0; at < cuts; at++) {
    const name = files[at % files.length]!;
    const bytes = readFileSync(join(folder, name));
    const length = at < files.length ? bytes.length - 1 : random.integer(bytes.length);
    await tryOne(name, `cut to ${length} of ${bytes.length} bytes`, bytes.subarray(0, length));
  }
  return { flips, cuts, missed };
}

async function damaged(layout: MemoryLayout): Promise<readonly string[]> {
  return (await verifyMemory(layout)).problems.map(({ file }) => file);
}
