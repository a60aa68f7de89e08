/** What the long forms of cutting share: all cuts there are, one after another, in a process of its own or in this one. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLayout } from '../../src/memory/store/format.ts';
import { verifyMemory } from '../../src/memory/store/verify.ts';
import { UserError } from '../../src/support/errors.ts';
import { type CutMode, withCut } from './cut.ts';

export interface OperationCut<Operation extends string> {
  readonly operation: Operation;
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

/** `process`: a process of its own is cut; `here`: that is played in this one, many times faster. */
export type CutPlace = 'process' | 'here';

/** In memory where the system has such a place. */
export function cutFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'lifealign-cuts-'));
}

/** Each call of each operation, in each mode. */
export function allCuts<Operation extends string>(
  calls: ReadonlyMap<Operation, number>,
  modes: readonly CutMode[],
): readonly OperationCut<Operation>[] {
  return Array.from(calls).flatMap(([operation, count]) =>
    modes.flatMap((mode) => Array.from({ length: count }, (_, at) => ({ operation, at, mode }))),
  );
}

/** @param one makes a cut, checks what it left, and says which state that was */
export async function runCuts<Operation extends string>(
  cuts: readonly OperationCut<Operation>[],
  one: (cut: OperationCut<Operation>) => Promise<'old' | 'new'>,
  onCut: (done: number) => void = () => {},
): Promise<CutReport> {
  const failures: string[] = [];
  const states = { old: 0, new: 0 };
  for (const [done, cut] of cuts.entries()) {
    try {
      states[await one(cut)]++;
    } catch (error) {
      failures.push(`${cut.operation}, call ${cut.at}, ${cut.mode}: ${(error as Error).stack}`);
    }
    onCut(done + 1);
  }
  return { cuts: cuts.length, ...states, failures };
}

/** Runs `child <folder> <operation> <call> <mode>`. @throws if it ends otherwise than the mode makes it end. */
export function cutElsewhere(
  child: string,
  folder: string,
  { operation, at, mode }: OperationCut<string>,
): void {
  const args = ['--import', 'tsx', child, folder, operation, String(at), mode];
  const { signal, status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const isKill = mode === 'before' || mode === 'after' || mode === 'half';
  // A full disk may be met where it does not matter; what it stops is told: exit code 1, no stack trace.
  const isExpected = isKill
    ? signal === 'SIGKILL'
    : signal === null && (status === 0 || (mode === 'full' && status === 1));
  if (!isExpected) throw new Error(`the process ended with ${signal ?? status}: ${stderr}`);
}

/** The same in this process. Files named `*.lock` get another owner than this process, which lives on. */
export async function cutHere(
  folder: string,
  { at, mode }: OperationCut<string>,
  work: () => Promise<unknown>,
): Promise<void> {
  const kill = (): never => {
    throw new Error('killed here');
  };
  const { error } = await withCut({ at, mode, kill }, work);
  const isTold = error instanceof UserError && error.exitCode === 1;
  if (error !== undefined && (mode === 'short' || (mode === 'full' && !isTold))) throw error;
  for (const lock of lockFiles(folder)) {
    const owner = readFileSync(lock, 'utf8');
    writeFileSync(lock, owner.replace(`"pid":${process.pid},`, `"pid":${2 ** 30},`));
  }
}

function lockFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(({ name }) => /\.lock(\.takeover)*$/.test(name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The body of a child: `work` under the cut that its arguments name, or none. */
export async function runCutChild(
  work: (folder: string, operation: string) => Promise<unknown>,
): Promise<void> {
  const [folder = '.', operation = '', at, mode] = process.argv.slice(2);
  const kill = (): never => {
    process.kill(process.pid, 'SIGKILL');
    // Until the signal arrives nothing more may happen.
    for (;;);
  };
  const cut = at === undefined ? null : { at: Number(at), mode: mode as CutMode, kill };
  const { error } = await withCut(cut, () => work(folder, operation));
  if (error === undefined) return;
  const isTold = error instanceof UserError;
  process.stderr.write(`${isTold ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = isTold ? error.exitCode : 70;
}

/** @throws unless every file of the memory is as it was written, and no other there. */
export async function expectWhole(memory: string, when: string): Promise<void> {
  const { problems, foreign } = await verifyMemory(new MemoryLayout(memory), { replay: true });
  if (problems.length > 0) throw new Error(`damaged ${when}: ${JSON.stringify(problems)}`);
  if (foreign.length > 0) throw new Error(`${when}: ${foreign.join(', ')} is no part of a memory`);
}
