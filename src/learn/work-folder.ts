/**
 * Where a task is trained until it is committed: in the memory's cache folder, so that withdrawing rows takes it away,
 * and by the task's name, so that the same command finds it again.
 */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import { makeFolder, writeJsonFile } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { parseJsonFile } from '../support/json.ts';
import { firstDifference } from '../train/fingerprint.ts';

const stateSchema = z.strictObject({
  /** The version that is trained on. */
  onto: z.string(),
  /** Everything else that decides the training, keys as in configs. */
  training: z.record(z.string(), z.json()),
  /** Whether the gate has seen the result. A training that it refused is kept for another gate. */
  refused: z.boolean(),
});
type WorkState = z.output<typeof stateSchema>;

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

  /** `null` where nothing was begun. */
  async state(): Promise<WorkState | null> {
    if (!existsSync(this.#file)) return null;
    const parsed = stateSchema.safeParse(await parseJsonFile(this.#file));
    if (parsed.success) return parsed.data;
    throw new UserError(`${this.#file}: not what this program wrote; begin anew with --restart`);
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
      const { key, before, now: other } = difference;
      const problem =
        key === 'onto'
          ? `the memory has another head than when it was begun; it is now version ${onto.number}`
          : `${key.replace('training.', '')} was ${JSON.stringify(before)}, is now ${JSON.stringify(other)}`;
      throw new UserError(
        `task ${this.task}: another training of it was begun: ${problem}; --restart begins anew`,
      );
    }
    // Without its state what is there is a rest of something that was cleared away.
    if (difference || found === null) await this.remove();
    if (found && !difference) log(`task ${this.task}: going on with what was trained before`);
    else await this.#write({ ...now, refused: false });
  }

  async markRefused(): Promise<void> {
    const found = await this.state();
    if (found) await this.#write({ ...found, refused: true });
  }

  /** Its state last: whoever comes after one that was ended in here finds it, and clears up the rest. */
  async remove(): Promise<void> {
    if (!this.isThere) return;
    for (const name of await readdir(this.path)) {
      const path = join(this.path, name);
      if (path !== this.#file) await rm(path, { recursive: true, force: true });
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
}
