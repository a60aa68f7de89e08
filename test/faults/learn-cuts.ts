/**
 * Every write of `learn` is cut in turn, training's checkpoints among them. Afterwards the memory is the old or the new
 * one, whole, and the same command completes it: to the adapters of a run that nobody disturbed, bit for bit.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryLayout } from '../../src/memory/store/format.ts';
import { verifyMemory } from '../../src/memory/store/verify.ts';
import { UserError } from '../../src/support/errors.ts';
import { type CutMode, withCut } from './cut.ts';
import {
  type LearnOperation,
  learningSignature,
  learnOperations,
  operateLearning,
  prepareLearning,
} from './learn-operations.ts';
import type { CutPlace, CutReport } from './memory-cuts.ts';

const CHILD = fileURLToPath(new URL('learn-child.ts', import.meta.url));
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export interface LearnCut {
  readonly operation: LearnOperation;
  readonly at: number;
  readonly mode: CutMode;
}

export class LearnCuts {
  readonly #folder = mkdtempSync(join(ROOT, 'lifealign-cuts-'));
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
    return Array.from(this.#calls).flatMap(([operation, calls]) =>
      modes.flatMap((mode) => Array.from({ length: calls }, (_, at) => ({ operation, at, mode }))),
    );
  }

  async run(
    cuts: readonly LearnCut[],
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

  async #one(cut: LearnCut, place: CutPlace): Promise<'old' | 'new'> {
    const folder = this.#copy();
    const done = this.#after.get(cut.operation)!;
    if (place === 'process') killedElsewhere(folder, cut);
    else await killedHere(folder, cut);

    const found = await learningSignature(folder);
    if (found !== this.#before && found !== done) throw new Error(`neither old nor new: ${found}`);
    await expectWhole(folder, 'after the cut');
    await complete(folder, cut.operation);
    const again = await learningSignature(folder);
    if (again !== done) throw new Error(`done again it is ${again}, expected ${done}`);
    await expectWhole(folder, 'done again');
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

async function expectWhole(folder: string, when: string): Promise<void> {
  const { problems, foreign } = await verifyMemory(new MemoryLayout(join(folder, 'memory')), {
    replay: true,
  });
  if (problems.length > 0) throw new Error(`damaged ${when}: ${JSON.stringify(problems)}`);
  if (foreign.length > 0) throw new Error(`${when}: ${foreign.join(', ')} is no part of a memory`);
}

function killedElsewhere(folder: string, { operation, at, mode }: LearnCut): void {
  const args = ['--import', 'tsx', CHILD, folder, operation, String(at), mode];
  const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (signal !== 'SIGKILL') throw new Error(`the process ended with ${signal ?? status}: ${stderr}`);
}

async function killedHere(folder: string, { operation, at, mode }: LearnCut): Promise<void> {
  const kill = (): never => {
    throw new Error('killed here');
  };
  await withCut({ at, mode, kill }, () => operateLearning(folder, operation));
  // The owner of the locks is this process, which lives on: another one's name in them is that of a dead one.
  for (const lock of lockFiles(join(folder, 'memory'))) {
    const owner = readFileSync(lock, 'utf8');
    writeFileSync(lock, owner.replace(`"pid":${process.pid},`, `"pid":${2 ** 30},`));
  }
}

function lockFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => /\.lock(\.takeover)*$/.test(name))
    .map((entry) => join(entry.parentPath, entry.name));
}
