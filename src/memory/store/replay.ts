/** A commit's adapter made again from what the memory keeps: the root's adapter and refined memories, in order. */
import type { LoraAdapter } from '../../model/adapter.ts';
import { ancestry } from './lineage.ts';
import { mergeRefined } from './merge.ts';
import type { Commit, MemoryStore } from './store.ts';

/** What `learned` stages make of the root of `commit`, which need not be all of the commit's. */
export async function replay(
  store: MemoryStore,
  commit: Commit,
  learned: readonly Commit[],
): Promise<LoraAdapter> {
  const [root] = await ancestry(store, commit);
  let longTerm = await store.adapter(root!);
  for (const stage of learned) {
    longTerm = mergeRefined(longTerm, (await store.refined(stage))!, stage.consolidation!.space);
  }
  return longTerm;
}
