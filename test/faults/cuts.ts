/**
 * Every call that changes something on disk is cut in turn. Afterwards the memory is the old or the new one, whole, and
 * doing the same again completes it. [subject.ts says what is done; disk-effects.ts and cut.ts how it is cut]
 *
 * A killed process leaves the disk as it was between two calls, or with one of them partly done. So what the calls of one
 * run did is recorded, and all states between two calls are made again, one half-way through each write, and two half-way
 * through each removal of a folder, without running anything to be killed.
 * That the system does the same when a process is killed in earnest is shown on some of them.
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
import { type CutMode, killModes, withCut } from './cut.ts';
import { apply, type DiskEffect, expectSameFiles, halves, moved, otherHalf } from './disk-effects.ts';
import { memoryIn, NO_MEMORY, type Subject } from './subject.ts';
import { type SubjectName, subjects } from './subjects.ts';

/** `<subject> <folder> <operation> [<call> <mode>]`. */
export const CUT_CHILD = fileURLToPath(new URL('cut-child.ts', import.meta.url));

export interface Cut {
  readonly operation: string;
  /** Of the calls, counted from 0. */
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

/** Called after each of them. */
type OnCut = (done: number) => void;

/** An operation that nothing was cut at. */
interface Undisturbed {
  readonly calls: number;
  readonly effects: readonly DiskEffect[];
  /** Signatures of what it found and what it left. */
  readonly before: string;
  readonly after: string;
}

export class Cuts {
  readonly #name: SubjectName;
  readonly #subject: Subject;
  // In memory where the system has such a place.
  readonly #folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lifealign-cuts-'));
  readonly #undisturbed = new Map<string, Undisturbed>();

  private constructor(name: SubjectName, subject: Subject) {
    this.#name = name;
    this.#subject = subject;
  }

  /**
   * @param only these operations; left out: all
   * @throws if what was recorded of an operation is not all that it did
   */
  static async open(name: SubjectName, only?: readonly string[]): Promise<Cuts> {
    const cuts = new Cuts(name, await subjects[name]());
    mkdirSync(cuts.#at('prepared'));
    await cuts.#subject.prepare(cuts.#at('prepared'));
    for (const operation of only ?? cuts.#subject.operations) await cuts.#record(operation);
    return cuts;
  }

  async #record(operation: string): Promise<void> {
    const subject = this.#subject;
    const folder = this.#begin(operation);
    const before = await subject.signature(folder);
    const disk = this.#copy(folder, 'disk');
    const { calls, effects, error } = await withCut(null, () => subject.perform(folder, operation));
    if (error !== undefined) throw error;
    for (const effect of effects) apply(moved(effect, folder, disk));
    expectSameFiles(disk, folder);
    this.#undisturbed.set(operation, { calls, effects, before, after: await subject.signature(folder) });
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get operations(): readonly string[] {
    return [...this.#undisturbed.keys()];
  }

  /** Each call of each operation, in each mode. */
  all(modes: readonly CutMode[]): readonly Cut[] {
    return Array.from(this.#undisturbed).flatMap(([operation, { calls }]) =>
      modes.flatMap((mode) => Array.from({ length: calls }, (_, at) => ({ operation, at, mode }))),
    );
  }

  /** How many different states a kill during the operation can leave. */
  async states(operation: string): Promise<number> {
    let count = 0;
    await this.#eachState(operation, async () => {
      count++;
    });
    return count;
  }

  /**
   * Looks at states that a kill during the operation can leave.
   * @param isChosen by the state's place, from 0
   */
  async replay(
    operation: string,
    isChosen: (at: number) => boolean = () => true,
    onCut: OnCut = () => {},
  ): Promise<CutReport> {
    const report = new Report(onCut);
    await this.#eachState(operation, async (disk, at) => {
      if (!isChosen(at)) return;
      await report.add(`${operation}, state ${at}`, () => {
        const folder = this.#copy(disk, 'cut');
        endOwners(folder);
        return this.#check(folder, operation);
      });
    });
    return report.result;
  }

  /** Cuts processes of their own. */
  killed(cuts: readonly Cut[], onCut: OnCut = () => {}): Promise<CutReport> {
    return this.#each(cuts, (folder, cut) => this.#cutElsewhere(folder, cut), onCut);
  }

  /** Full disks and short writes, met in this process. */
  met(cuts: readonly Cut[], onCut: OnCut = () => {}): Promise<CutReport> {
    return this.#each(
      cuts,
      async (folder, { operation, at, mode }) => {
        const kill = (): never => {
          throw new Error(`${mode} is for processes of their own`);
        };
        const { error } = await withCut({ at, mode, kill }, () => this.#subject.perform(folder, operation));
        const isTold = mode === 'full' && error instanceof UserError && error.exitCode === 1;
        if (error !== undefined && !isTold) throw error;
      },
      onCut,
    );
  }

  async #each(
    cuts: readonly Cut[],
    make: (folder: string, cut: Cut) => void | Promise<void>,
    onCut: OnCut,
  ): Promise<CutReport> {
    const report = new Report(onCut);
    for (const cut of cuts) {
      await report.add(`${cut.operation}, call ${cut.at}, ${cut.mode}`, async () => {
        const folder = this.#begin(cut.operation);
        await make(folder, cut);
        return this.#check(folder, cut.operation);
      });
    }
    return report.result;
  }

  async #eachState(operation: string, look: (disk: string, at: number) => Promise<void>): Promise<void> {
    const from = this.#begin(operation);
    const disk = this.#copy(from, 'disk');
    let at = 0;
    await look(disk, at++);
    for (const effect of this.#undisturbed.get(operation)!.effects) {
      const other = otherHalf(moved(effect, from, disk));
      if (other.length > 0) {
        const aside = this.#copy(disk, 'aside');
        for (const one of other) apply(moved(one, disk, aside));
        await look(aside, at++);
      }
      for (const part of halves(moved(effect, from, disk))) {
        if (part.map(apply).includes(true)) await look(disk, at++);
      }
    }
  }

  /** Runs `child <subject> <folder> <operation> <call> <mode>`. @throws if it ends otherwise than the mode makes it end. */
  #cutElsewhere(folder: string, { operation, at, mode }: Cut): void {
    const args = ['--import', 'tsx', CUT_CHILD, this.#name, folder, operation, String(at), mode];
    const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    // A full disk may be met where it does not matter; what it stops is told: exit code 1, no stack trace.
    const isExpected = killModes.includes(mode)
      ? signal === 'SIGKILL'
      : signal === null && (status === 0 || (mode === 'full' && status === 1));
    if (!isExpected) throw new Error(`the process ended with ${signal ?? status}: ${stderr}`);
  }

  /** Which state a cut has left. @throws unless it is one of the two, whole, and can be completed. */
  async #check(folder: string, operation: string): Promise<'old' | 'new'> {
    const subject = this.#subject;
    const { before, after } = this.#undisturbed.get(operation)!;
    const found = await subject.signature(folder);
    if (found !== before && found !== after) throw new Error(`neither the old nor the new state: ${found}`);
    if (found !== NO_MEMORY) await expectWhole(folder, 'after the cut');
    await subject.complete(folder, operation, found === after);
    const again = await subject.signature(folder);
    if (again !== after) throw new Error(`done again it is ${again}, expected ${after}`);
    await expectWhole(folder, 'done again');
    await subject.checkCompleted(folder, operation);
    return found === before ? 'old' : 'new';
  }

  /** The folder that an operation finds. */
  #begin(operation: string): string {
    const folder = this.#copy(this.#at('prepared'), 'cut');
    this.#subject.arrange?.(folder, operation);
    return folder;
  }

  #copy(from: string, name: string): string {
    const folder = this.#at(name);
    rmSync(folder, { recursive: true, force: true });
    cpSync(from, folder, { recursive: true });
    return folder;
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }
}

class Report {
  readonly #failures: string[] = [];
  readonly #states = { old: 0, new: 0 };
  readonly #onCut: OnCut;
  #cuts = 0;

  constructor(onCut: OnCut) {
    this.#onCut = onCut;
  }

  async add(what: string, one: () => Promise<'old' | 'new'>): Promise<void> {
    try {
      this.#states[await one()]++;
    } catch (error) {
      this.#failures.push(`${what}: ${(error as Error).stack}`);
    }
    this.#onCut(++this.#cuts);
  }

  get result(): CutReport {
    return { cuts: this.#cuts, ...this.#states, failures: this.#failures };
  }
}

/** Files named `*.lock` get another owner than this process, which lives on. */
function endOwners(folder: string): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const { parentPath, name } of files) {
    if (!/\.lock(\.takeover)*$/.test(name)) continue;
    const lock = join(parentPath, name);
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(`"pid":${process.pid},`, `"pid":${2 ** 30},`));
  }
}

/** @throws unless every file of the memory is as it was written, and no other there. */
async function expectWhole(folder: string, when: string): Promise<void> {
  const layout = new MemoryLayout(memoryIn(folder));
  const { problems, foreign } = await verifyMemory(layout, { replay: true });
  if (problems.length > 0) throw new Error(`damaged ${when}: ${JSON.stringify(problems)}`);
  if (foreign.length > 0) throw new Error(`${when}: ${foreign.join(', ')} is no part of a memory`);
}
