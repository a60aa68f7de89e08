/** What a version's tasks share with those before them, out of the store. */
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import { UserError } from '../support/errors.ts';
import { didYouMean } from '../support/nearest-name.ts';
import { overlapOf, type TaskMemory, type TaskOverlap } from './overlap.ts';

/**
 * @param only this task; left out: all of them
 * @throws {UserError} for a task that the version has not learned.
 */
export async function memoryOverlaps(
  store: MemoryStore,
  version: Commit,
  only?: string,
): Promise<readonly TaskOverlap[]> {
  const stages = await store.learned(version);
  const names = [...new Set(stages.map(({ task }) => task!))];
  if (names.length === 0) throw new UserError(`version ${version.number} has learned no task`);
  if (only !== undefined && !names.includes(only)) {
    const there = `there are ${names.join(', ')}`;
    throw new UserError(
      `version ${version.number} has no task "${only}"; ${there}.${didYouMean(only, names)}`,
    );
  }
  const end = only === undefined ? names.length : names.indexOf(only) + 1;
  const memories = await Promise.all(names.slice(0, end).map((task) => taskMemory(store, stages, task)));
  const overlaps = memories.map((memory, at) => ({ memory, earlier: memories.slice(0, at) }));
  const wanted = only === undefined ? overlaps : overlaps.slice(-1);
  return wanted.map(({ memory, earlier }) => overlapOf(memory, earlier));
}

async function taskMemory(store: MemoryStore, stages: readonly Commit[], task: string): Promise<TaskMemory> {
  const own = stages.filter((stage) => stage.task === task);
  return {
    task,
    shortTerm: await Promise.all(own.map(async (stage) => (await store.shortTerm(stage))!)),
    refined: await Promise.all(own.map(async (stage) => (await store.refined(stage))!)),
  };
}
