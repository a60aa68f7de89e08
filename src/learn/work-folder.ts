/**
 * Where a task is trained until it is committed: in the memory's cache folder, so that withdrawing rows takes it away,
 * and by the task's name, so that the same command finds it again.
 */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import { makeFolder, movePath, writeJsonFile } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { parseJsonFile } from '../support/json.ts';
import { type Difference, firstDifference } from '../train/fingerprint.ts';

const stateSchema = z.strictObject({
  /** The version that is trained on. */
  onto: z.string(),
  /** Everything else that decides the training, keys as in configs. */
  training: z.record(z.string(), z.json()),
  /** Whether the gate has seen the result. A training that it refused is kept for another gate. */
  refused: z.boolean(),
});
export type WorkState = z.output<typeof stateSchema>;

export class WorkFolder {
  readonly path: string;
  readonly task: string;

  constructor(store: MemoryStore, task: string) {
    this.path = join(store.cacheFolder, 'learn', task);
    this.task = task;
  }

  /** Of the run that trains. */
  get run(): string {
    return join(this.path, 'run');
  }

  get isThere(): boolean {
    return existsSync(this.path);
  }

  /** Of a training that can go on; `null` where none was begun. */
  state(): Promise<WorkState | null> {
    return readState(this.#file);
  }

  /** Also of one that was being cleared away. */
  async lastState(): Promise<WorkState | null> {
    return (await this.state()) ?? readState(this.#clearedFile);
  }

  /**
   * Makes the folder ready: what was begun goes on, what was refused and is another training now makes way.
   *
   * @param training as JSON gives it back
   * @throws {UserError} where another training was begun that is not finished.
   */
  async enter(onto: Commit, training: WorkState['training'], log: (line: string) => void): Promise<void> {
    const found = await this.state();
    const now = { onto: onto.hash, training };
    const difference = found && firstDifference({ onto: found.onto, training: found.training }, now);
    if (difference && !found.refused) {
      const problem =
        difference.key === 'onto'
          ? `the memory has another head than when it was begun; it is now version ${onto.number}`
          : tellDifference(difference);
      throw new UserError(
        `task ${this.task}: another training of it was begun: ${problem}; --restart begins anew`,
      );
    }
    // Without its state what is there is a rest of something that was being cleared away.
    if (difference || found === null) await this.remove();
    if (found && !difference) log(`task ${this.task}: going on with what was trained before`);
    else await this.#write({ ...now, refused: false });
  }

  async markRefused(): Promise<void> {
    const found = await this.state();
    if (found) await this.#write({ ...found, refused: true });
  }

  /**
   * At once it is a training that nobody goes on with, whatever is left of it when the process is ended in here. What it
   * was goes last: whoever comes after a commit has to know. Needs no space on the disk.
   */
  async remove(): Promise<void> {
    if (!this.isThere) return;
    if (existsSync(this.#file)) await movePath(this.#file, this.#clearedFile);
    for (const name of await readdir(this.path)) {
      const path = join(this.path, name);
      if (path !== this.#clearedFile) await rm(path, { recursive: true, force: true });
    }
    await rm(this.path, { recursive: true, force: true });
  }

  async #write(state: WorkState): Promise<void> {
    await makeFolder(this.path);
    await writeJsonFile(this.#file, state);
  }

  get #file(): string {
    return join(this.path, 'learn.json');
  }

  get #clearedFile(): string {
    return join(this.path, 'cleared.json');
  }
}

/** Of two trainings, or what is asked of their results. */
export function tellDifference({ key, before, now }: Difference): string {
  const name = key.replace('training.', '');
  const part = /^data\.(\w+)$/.exec(name)?.[1];
  if (part !== undefined) return `the ${part} rows are others`;
  return `${name} was ${JSON.stringify(before)}, is now ${JSON.stringify(now)}`;
}

async function readState(file: string): Promise<WorkState | null> {
  if (!existsSync(file)) return null;
  const parsed = stateSchema.safeParse(await parseJsonFile(file));
  if (parsed.success) return parsed.data;
  throw new UserError(`${file}: not what this program wrote; begin anew with --restart`);
}
