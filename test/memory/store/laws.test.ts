/** What holds for every history of a memory, whatever was learned, dropped and reverted in it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { ancestry } from '../../../src/memory/store/lineage.ts';
import { mergeRefined } from '../../../src/memory/store/merge.ts';
import { replay } from '../../../src/memory/store/replay.ts';
import type { Commit, MemoryStore } from '../../../src/memory/store/store.ts';
import { lockMemory, type MemoryWriter } from '../../../src/memory/store/writer.ts';
import { adapterHash, type LoraAdapter } from '../../../src/model/adapter.ts';
import { temporaryFolder } from '../../train/temporary-folder.ts';
import { clock, createSmallMemory, learnSmall } from './small-memory.ts';

const TASKS = ['a', 'b', 'c'] as const;
type Step =
  | { readonly do: 'learn'; readonly task: (typeof TASKS)[number]; readonly seed: number }
  | { readonly do: 'drop'; readonly task: (typeof TASKS)[number] }
  | { readonly do: 'revert'; readonly to: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('learn' as const),
      task: fc.constantFrom(...TASKS),
      seed: fc.nat(99),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), task: fc.constantFrom(...TASKS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revert' as const), to: fc.nat(20) }) },
);

/** What the memory should hold, kept beside it: the refined memories of each version, by their task. */
type Model = readonly { readonly task: string; readonly refined: LoraAdapter }[];

let runs = 0;

async function follow(
  folder: string,
  steps: readonly Step[],
  check: (memory: Memory) => Promise<void>,
): Promise<void> {
  const place = join(folder, `${runs++}`);
  const store = await createSmallMemory(place);
  const writer = await lockMemory(place, { now: clock() });
  const models: Model[] = [[]];
  let head = 0;
  try {
    for (const now of steps) {
      if (now.do === 'learn') {
        const added = await learnSmall(writer, now.task, { seed: now.seed });
        for (const commit of added) {
          models.push([...models[head]!, { task: now.task, refined: (await store.refined(commit))! }]);
          head = models.length - 1;
        }
      } else if (now.do === 'drop') {
        if (!models[head]!.some(({ task }) => task === now.task)) continue;
        await writer.drop(await writer.planDrop(now.task));
        models.push(models[head]!.filter(({ task }) => task !== now.task));
        head = models.length - 1;
      } else {
        head = now.to % models.length;
        await writer.revert(String(head));
      }
    }
    await check({ store, writer, models, head });
  } finally {
    writer.release();
    rmSync(place, { recursive: true });
  }
}

interface Memory {
  readonly store: MemoryStore;
  readonly writer: MemoryWriter;
  readonly models: readonly Model[];
  readonly head: number;
}

const hashOf = async (store: MemoryStore, commit: Commit) => adapterHash(await store.adapter(commit));

const histories = fc.array(step, { minLength: 1, maxLength: 8 });
const RUNS = { numRuns: 12 };

it('every version is the root and the refined memories of its tasks, to the last bit: drop as if never merged', async () => {
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(histories, (steps) =>
      follow(folder, steps, async ({ store, models, head }) => {
        const versions = await store.versions();
        expect(versions).toHaveLength(models.length);
        const root = await store.adapter(versions[0]!);
        for (const [number, model] of models.entries()) {
          const merged = model.reduce((so, { refined }) => mergeRefined(so, refined, 'factors'), root);
          expect(await hashOf(store, versions[number]!)).toBe(adapterHash(merged));
          expect((await store.learned(versions[number]!)).map(({ task }) => task)).toEqual(
            model.map(({ task }) => task),
          );
        }
        expect((await store.head()).commit).toEqual(versions[head]);
      }),
    ),
    RUNS,
  );
});

it('replaying the log gives the head, to the last bit', async () => {
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(histories, (steps) =>
      follow(folder, steps, async ({ store }) => {
        const { commit } = await store.head();
        const replayed = await replay(store, commit, await store.learned(commit));
        expect(adapterHash(replayed)).toBe(await hashOf(store, commit));
        expect((await ancestry(store, commit)).at(-1)).toEqual(commit);
      }),
    ),
    RUNS,
  );
});

it('revert and back again is exact, and loses no version', async () => {
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(histories, fc.nat(20), (steps, to) =>
      follow(folder, steps, async ({ store, writer, models, head }) => {
        const versions = await store.versions();
        const hashes = await Promise.all(versions.map((commit) => hashOf(store, commit)));
        const buffer = await store.buffer(versions[head]!);
        await writer.revert(String(to % models.length));
        expect((await store.head()).commit).toEqual(versions[to % models.length]);
        await writer.revert(String(head));
        expect((await store.head()).commit).toEqual(versions[head]);
        expect(await store.buffer(versions[head]!)).toEqual(buffer);
        const again = await store.versions();
        expect(again).toEqual(versions);
        expect(await Promise.all(again.map((commit) => hashOf(store, commit)))).toEqual(hashes);
      }),
    ),
    RUNS,
  );
});
