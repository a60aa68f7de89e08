/**
 * Every write of every operation on a memory is cut, in turn and in every mode. Afterwards the memory opens, verifies,
 * holds the old or the new state, and doing it again completes it.
 */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryLayout } from '../../src/memory/store/format.ts';
import { verifyMemory } from '../../src/memory/store/verify.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { type CutMode, cutModes, withCut } from './cut.ts';
import {
  allCuts,
  type CutPlace,
  type CutReport,
  cutElsewhere,
  cutFolder,
  cutHere,
  expectWhole,
  type OperationCut,
  runCuts,
} from './cut-driver.ts';
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

type MemoryCut = OperationCut<MemoryOperation>;

export class MemoryCuts {
  readonly #folder = cutFolder();
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
    return allCuts(this.#calls, modes);
  }

  run(cuts: readonly MemoryCut[], place: CutPlace, onCut?: (done: number) => void): Promise<CutReport> {
    return runCuts(cuts, (cut) => this.#one(cut, place), onCut);
  }

  async #one(cut: MemoryCut, place: CutPlace): Promise<'old' | 'new'> {
    const folder = this.#copy(cut.operation);
    const [old, done] = [await this.#state(folder), this.#after.get(cut.operation)!];
    if (place === 'process') cutElsewhere(MEMORY_CHILD, folder, cut);
    else await cutHere(folder, cut, () => operate(folder, cut.operation));

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
