/**
 * A run's numbers as TensorBoard reads them: event files in one folder, a new one whenever the run goes on.
 * Beside steps.jsonl, which stays what resuming depends on; nothing reads these files back.
 */
import { appendFileSync, closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileError } from '../../support/file-error.ts';
import { fileVersionEvent, scalarsEvent, sessionStartEvent } from './event.ts';
import { frameRecord } from './record.ts';

export interface TensorBoardLogOptions {
  /** Optimizer steps that the state to go on from has done; 0 for a run that begins. */
  readonly startStep: number;
}

export class TensorBoardLog {
  readonly #file: string;
  readonly #descriptor: number;

  /** Use `TensorBoardLog.open`. */
  private constructor(file: string) {
    this.#file = file;
    this.#descriptor = guard(file, () => openSync(file, 'wx'));
  }

  /**
   * Begins a new file in `folder`, which is made if it is missing. TensorBoard no longer shows what earlier files
   * there say of steps after `startStep`: a run that was killed may have logged beyond its checkpoint.
   * @throws {UserError} naming folder or file: exit code 1 on a full disk, 2 where it cannot be written.
   */
  static open(folder: string, { startStep }: TensorBoardLogOptions): TensorBoardLog {
    const wallTime = secondsNow();
    const name = guard(folder, () => {
      mkdirSync(folder, { recursive: true });
      return nextFileName(readdirSync(folder), wallTime);
    });
    const log = new TensorBoardLog(join(folder, name));
    try {
      log.#append(fileVersionEvent(wallTime));
      // The reader drops this event's own step too, so it names the first step that comes anew.
      log.#append(sessionStartEvent({ wallTime, step: startStep + 1 }));
    } catch (error) {
      log.close();
      throw error;
    }
    return log;
  }

  /**
   * Appends numbers by tag. Those that are no finite float32 are left out: a curve has no place for them.
   * @param step optimizer steps done in the whole run
   * @param wallTime in seconds since 1970
   * @throws {UserError} as `open`.
   */
  scalars(step: number, values: Readonly<Record<string, number>>, wallTime: number = secondsNow()): void {
    const finite = Object.entries(values).filter(([, value]) => Number.isFinite(Math.fround(value)));
    if (finite.length > 0) this.#append(scalarsEvent({ wallTime, step }, new Map(finite)));
  }

  /** To be called before a checkpoint counts on the numbers. */
  flush(): void {
    guard(this.#file, () => fsyncSync(this.#descriptor));
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(event: Uint8Array): void {
    guard(this.#file, () => appendFileSync(this.#descriptor, frameRecord(event)));
  }
}

/**
 * Readers take the files in the order of their names, which begin with the second of their opening. Two files of
 * one second, or a clock that was set back, must not change that order. Where other writers name the machine
 * stands this program.
 */
function nextFileName(present: readonly string[], now: number): string {
  const earlier = present.flatMap((name) => /^events\.out\.tfevents\.(\d{10})\./.exec(name)?.[1] ?? []);
  const seconds = Math.max(Math.floor(now), ...earlier.map(Number));
  return `events.out.tfevents.${padded(seconds, 10)}.lifealign.${padded(earlier.length, 6)}`;
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}

function secondsNow(): number {
  return Date.now() / 1000;
}

function guard<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    throw fileError(error, path, 'write');
  }
}
