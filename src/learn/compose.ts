/** Adapters made of chosen tasks' refined memories, in any proportion. */
import { mergeRefined } from '../memory/store/merge.ts';
import { replay } from '../memory/store/replay.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import { type LoraAdapter, mapAdapter } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import { didYouMean } from '../support/nearest-name.ts';

export interface Composition {
  readonly task: string;
  readonly weight: number;
}

/**
 * The root's adapter and the tasks' refined memories times their weights, added in the order in which they were
 * learned. All tasks at weight 1 give the version's own adapter, bit for bit; a task that was trained after another
 * was trained on top of it, and is taken here without it.
 *
 * @throws {UserError} for a task that the version has not learned, or one that is named twice.
 */
export async function compose(
  store: MemoryStore,
  version: Commit,
  parts: readonly Composition[],
): Promise<LoraAdapter> {
  const stages = await store.learned(version);
  const known = [...new Set(stages.map(({ task }) => task!))];
  const weights = new Map<string, number>();
  for (const { task, weight } of parts) {
    if (!known.includes(task)) {
      const there = known.length === 0 ? 'it has learned none' : `there are ${known.join(', ')}`;
      throw new UserError(
        `version ${version.number} has no task "${task}"; ${there}.${didYouMean(task, known)}`,
      );
    }
    if (weights.has(task)) throw new UserError(`the task "${task}" is named twice`);
    weights.set(task, weight);
  }
  // Nothing but the root.
  let adapter = await replay(store, version, []);
  for (const stage of stages) {
    const weight = weights.get(stage.task!);
    if (weight === undefined) continue;
    const refined = (await store.refined(stage))!;
    adapter = mergeRefined(
      adapter,
      weight === 1 ? refined : scaled(refined, weight),
      stage.consolidation!.space,
    );
  }
  return adapter;
}

export function scaled(adapter: LoraAdapter, factor: number): LoraAdapter {
  return mapAdapter(adapter, ({ data }) => data.map((value) => factor * value));
}
