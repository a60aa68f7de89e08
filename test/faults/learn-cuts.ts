/**
 * Every write of `learn` is cut in turn, training's checkpoints among them. Afterwards the memory is the old or the new
 * one, whole, and the same command completes it: to the adapters of a run that nobody disturbed, bit for bit.
 */
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/support/errors.ts';
import { type CutMode, withCut } from './cut.ts';
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
  type LearnOperation,
  learningSignature,
  learnOperations,
  operateLearning,
  prepareLearning,
} from './learn-operations.ts';

const CHILD = fileURLToPath(new URL('learn-child.ts', import.meta.url));

type LearnCut = OperationCut<LearnOperation>;

export class LearnCuts {
  readonly #folder = cutFolder();
  readonly #calls = new Map<LearnOperation, number>();
  readonly #after = new Map<LearnOperation, string>();
  #before = '';

  static async open(): Promise<LearnCuts> {
    const cuts = new LearnCuts();
    const prepared = join(cuts.#folder, 'prepared');
    mkdirSync(prepared);
    await prepareLearning(prepared);
    cuts.#before = await learningSignature(prepared);
    for (const operation of learnOperations) {
      const folder = cuts.#copy();
      const { calls, error } = await withCut(null, () => operateLearning(folder, operation));
      if (error !== undefined) throw error;
      cuts.#calls.set(operation, calls);
      cuts.#after.set(operation, await learningSignature(folder));
    }
    return cuts;
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** How many there are to be cut. */
  calls(operation: LearnOperation): number {
    return this.#calls.get(operation)!;
  }

  /** Each call of each operation. */
  all(modes: readonly CutMode[]): readonly LearnCut[] {
    return allCuts(this.#calls, modes);
  }

  run(cuts: readonly LearnCut[], place: CutPlace, onCut?: (done: number) => void): Promise<CutReport> {
    return runCuts(cuts, (cut) => this.#one(cut, place), onCut);
  }

  async #one(cut: LearnCut, place: CutPlace): Promise<'old' | 'new'> {
    const folder = this.#copy();
    const done = this.#after.get(cut.operation)!;
    if (place === 'process') cutElsewhere(CHILD, folder, cut);
    else await cutHere(folder, cut, () => operateLearning(folder, cut.operation));

    const found = await learningSignature(folder);
    if (found !== this.#before && found !== done) throw new Error(`neither old nor new: ${found}`);
    await expectWhole(join(folder, 'memory'), 'after the cut');
    await complete(folder, cut.operation);
    const again = await learningSignature(folder);
    if (again !== done) throw new Error(`done again it is ${again}, expected ${done}`);
    await expectWhole(join(folder, 'memory'), 'done again');
    return found === done ? 'new' : 'old';
  }

  #copy(): string {
    const folder = join(this.#folder, 'cut');
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(this.#folder, 'prepared'), folder, { recursive: true });
    return folder;
  }
}

/** The same command again; where nothing was left to clear up, the name is taken. */
async function complete(folder: string, operation: LearnOperation): Promise<void> {
  try {
    await operateLearning(folder, operation);
  } catch (error) {
    const isDone = error instanceof UserError && /has learned a task/.test(error.message);
    if (!isDone || operation !== 'learn') throw error;
  }
  const left = readdirSync(join(folder, 'memory', 'cache', 'learn')).filter((name) => name === 'learn');
  if (left.length > 0) throw new Error('the training is still there');
}
