/**
 * Every write of every operation on a memory is cut, in turn and in every mode. Afterwards the memory opens, verifies,
 * holds the old or the new state, and doing it again completes it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryLayout } from '../../src/memory/store/format.ts';
import { verifyMemory } from '../../src/memory/store/verify.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { UserError } from '../../src/support/errors.ts';
import { type CutMode, cutModes, withCut } from './cut.ts';
import {
  complete,
  type MemoryOperation,
  operate,
  prepareMemory,
  remains,
  signature,
} from './memory-operations.ts';

/** `<folder> <operation> [<call> <mode>]`. */
export const MEMORY_CHILD = fileURLToPath(new URL('memory-child.ts', import.meta.url));
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export interface MemoryCut {
  readonly operation: MemoryOperation;
  readonly at: number;
  readonly mode: CutMode;
}

export interface CutReport {
  readonly cuts: number;
  /** How many left the old state, and how many the new one. */
  readonly old: number;
  readonly new: number;
  readonly failures: readonly string[];
}

/** `process`: a process of its own is killed; `here`: that is played in this one, a hundred times faster. */
export type CutPlace = 'process' | 'here';

export class MemoryCuts {
  readonly #folder = mkdtempSync(join(ROOT, 'lifealign-cuts-'));
  readonly #calls = new Map<MemoryOperation, number>();
  readonly #after = new Map<MemoryOperation, string>();

  static async open(operations: readonly MemoryOperation[]): Promise<MemoryCuts> {
    const cuts = new MemoryCuts();
    await prepareMemory(cuts.#at('prepared'));
    for (const operation of operations) {
      const folder = cuts.#copy(operation);
      const { calls, error } = await withCut(null, () => operate(folder, operation));
      if (error !== undefined) throw error;
      cuts.#calls.set(operation, calls);
      cuts.#after.set(operation, await signature(folder));
    }
    return cuts;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** All there are: each call of each operation in each mode. */
  all(modes: readonly CutMode[] = cutModes): readonly MemoryCut[] {
    return Array.from(this.#calls).flatMap(([operation, calls]) =>
      modes.flatMap((mode) => Array.from({ length: calls }, (_, at) => ({ operation, at, mode }))),
    );
  }

  async run(
    cuts: readonly MemoryCut[],
    place: CutPlace,
    onCut: (done: number) => void = () => {},
  ): Promise<CutReport> {
    const failures: string[] = [];
    const states = { old: 0, new: 0 };
    for (const [done, cut] of cuts.entries()) {
      try {
        states[await this.#one(cut, place)]++;
      } catch (error) {
        failures.push(`${cut.operation}, call ${cut.at}, ${cut.mode}: ${(error as Error).stack}`);
      }
      onCut(done + 1);
    }
    return { cuts: cuts.length, ...states, failures };
  }

  async #one(cut: MemoryCut, place: CutPlace): Promise<'old' | 'new'> {
    const folder = this.#copy(cut.operation);
    const [old, done] = [await this.#state(folder), this.#after.get(cut.operation)!];
    if (place === 'process') killedElsewhere(folder, cut);
    else await killedHere(folder, cut);

    const found = await this.#state(folder);
    if (found !== old && found !== done) throw new Error(`neither the old nor the new state: ${found}`);
    if (found !== 'no memory') await expectWhole(folder, 'after the cut');
    await complete(folder, cut.operation, found === done);
    const again = await this.#state(folder);
    if (again !== done) throw new Error(`done again it is ${again}, expected ${done}`);
    const writer = await lockMemory(folder);
    await writer.prune();
    writer.release();
    await expectWhole(folder, 'done again');
    const left = [
      ...(await verifyMemory(new MemoryLayout(folder))).orphans,
      ...remains(folder, cut.operation),
    ];
    if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
    return found === old ? 'old' : 'new';
  }

  #state(folder: string): Promise<string> {
    return existsSync(folder) ? signature(folder) : Promise.resolve('no memory');
  }

  /** A memory to be cut; for `create` there is none yet. */
  #copy(operation: MemoryOperation): string {
    const folder = this.#at('cut');
    rmSync(folder, { recursive: true, force: true });
    if (operation !== 'create') cpSync(this.#at('prepared'), folder, { recursive: true });
    return folder;
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }
}

async function expectWhole(folder: string, when: string): Promise<void> {
  const { problems, foreign } = await verifyMemory(new MemoryLayout(folder));
  if (problems.length > 0) throw new Error(`damaged ${when}: ${JSON.stringify(problems)}`);
  if (foreign.length > 0) throw new Error(`${when}: ${foreign.join(', ')} is no part of a memory`);
}

function killedElsewhere(folder: string, { operation, at, mode }: MemoryCut): void {
  const args = ['--import', 'tsx', MEMORY_CHILD, folder, operation, String(at), mode];
  const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const isKill = mode === 'before' || mode === 'after' || mode === 'half';
  if (isKill ? signal === 'SIGKILL' : signal === null && status === (mode === 'full' ? 1 : 0)) return;
  if (mode === 'full' && status === 0) return;
  throw new Error(`the process ended with ${signal ?? status}: ${stderr}`);
}

class Killed extends Error {}

async function killedHere(folder: string, { operation, at, mode }: MemoryCut): Promise<void> {
  const kill = (): never => {
    throw new Killed('killed here');
  };
  const { error } = await withCut({ at, mode, kill }, () => operate(folder, operation));
  // What a full disk stops is told as such: exit code 1, no stack trace.
  const isTold = error instanceof UserError && error.exitCode === 1;
  if (error !== undefined && (mode === 'short' || (mode === 'full' && !isTold))) throw error;
  // The owner of the lock is this process, which lives on: another one's name in it is that of a dead one.
  const lock = join(folder, 'memory.lock');
  if (existsSync(lock)) {
    const owner = readFileSync(lock, 'utf8');
    if (owner.includes(`"pid":${process.pid},`)) {
      writeFileSync(lock, owner.replace(`"pid":${process.pid},`, `"pid":${2 ** 30},`));
    }
  }
}
