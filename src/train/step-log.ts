/** steps.jsonl: one line per optimizer step, in the names trainers for preferences commonly log. */
import { appendFileSync, closeSync, fsyncSync, openSync, statSync, truncateSync } from 'node:fs';
import { UserError } from '../support/errors.ts';
import { fileError } from '../support/file-error.ts';

/**
 * Means are over the effective batch. `logps/x` are sums over the response's tokens; `rewards/x` is
 * beta · (logp − reference logp). `null` where a stage or objective does not compute the number: rejected
 * responses are not run during SFT, and no rewards exist without a reference.
 */
export interface StepRecord {
  readonly task: string;
  readonly stage: 'sft' | 'preference';
  /** Within the stage, from 1. */
  readonly step: number;
  readonly loss: number;
  /** What the method adds to the loss; left out where it adds nothing. */
  readonly penalty?: number;
  /** Over all tensors, before clipping. */
  readonly grad_norm: number;
  readonly 'logps/chosen': number;
  readonly 'logps/rejected': number | null;
  readonly 'rewards/chosen': number | null;
  readonly 'rewards/rejected': number | null;
  readonly 'rewards/margins': number | null;
  /** % of rows whose chosen response has the higher reward. */
  readonly 'rewards/accuracies': number | null;
  /** The factor (1 − p)^gamma over the batch's rows; `null` for objectives without one. */
  readonly 'focal/mean': number | null;
  readonly 'focal/min': number | null;
  readonly 'focal/max': number | null;
  readonly learning_rate: number;
  /** Prompt tokens count once for each response run. */
  readonly tokens_per_second: number;
}

export class StepLog {
  readonly #file: string;

  /** Cuts off what was written after the state to go on from. @throws {UserError} if it cannot be written. */
  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#guard(() => {
      closeSync(openSync(file, 'a'));
      const found = statSync(file).size;
      if (found < bytes) {
        throw new UserError(
          `${file}: ${found} bytes, but its checkpoint counts on ${bytes}; start the run anew`,
        );
      }
      truncateSync(file, bytes);
    });
  }

  /** Appends a line and returns its length in bytes. */
  append(record: StepRecord): number {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    this.#guard(() => appendFileSync(this.#file, line));
    return line.length;
  }

  /** To be called before a checkpoint counts on the lines. */
  flush(): void {
    this.#guard(() => {
      const descriptor = openSync(this.#file, 'r+');
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      throw fileError(error, this.#file, 'write');
    }
  }
}
