/** Versioned memories as models of the service: opened, checked against the base, and followed as they learn. */
import { baseHashes, checkBase } from '../../memory/store/base-hashes.ts';
import { versionDoubt } from '../../memory/store/precision.ts';
import { type Commit, MemoryStore } from '../../memory/store/store.ts';
import type { Adapter } from '../../model/adapter.ts';
import { checkFits } from '../../model/adapter-folder.ts';
import { errorFields, type Logger } from '../../service/http/log.ts';
import type { ServedMemory } from '../../service/memories/describe.ts';
import { type MemoryWatch, watchMemory } from '../../service/models/memory-watch.ts';
import type { ModelRegistry } from '../../service/models/registry.ts';
import { UserError } from '../../support/errors.ts';
import type { Base } from '../base.ts';

export interface NamedMemory {
  readonly name: string;
  readonly folder: string;
  readonly store: MemoryStore;
  /** The model that it is for. */
  readonly base: string;
}

/** @throws {UserError} for a folder that is no memory, and for two of one name */
export async function openMemories(
  folders: readonly { readonly name: string; readonly folder: string }[],
): Promise<readonly NamedMemory[]> {
  const twice = folders.find(({ name }, at) => folders.findIndex((one) => one.name === name) < at);
  if (twice) throw new UserError(`--memory: there are two memories of the name ${twice.name}`);
  return Promise.all(
    folders.map(async ({ name, folder }) => {
      const store = await MemoryStore.open(folder);
      const { base } = await store.config();
      return { name, folder, store, base };
    }),
  );
}

export interface FollowOptions {
  readonly base: Base;
  readonly registry: ModelRegistry;
  readonly logger: Logger;
  /** The memory whose bare name the learner decides; null: heads are served as they move. */
  readonly learns: string | null;
}

/** As the service tells of it. */
export function servedMemory({ name, store }: NamedMemory, registry: ModelRegistry): ServedMemory {
  const serving = () => {
    const [, number] = /^v(\d+)$/.exec(registry.resolve(name)?.version ?? '') ?? [];
    return number === undefined ? null : Number(number);
  };
  return { name, store, serving };
}

/**
 * Publishes every memory's versions, and its head whenever it moves.
 * @returns ends it
 * @throws {UserError} for one that is for another base
 */
export async function followMemories(
  memories: readonly NamedMemory[],
  { base, registry, logger, learns }: FollowOptions,
): Promise<() => Promise<void>> {
  const found = baseHashes(base);
  const watches: MemoryWatch[] = [];
  const stop = async () => {
    await Promise.all(watches.map((watch) => watch.stop()));
  };
  try {
    for (const { name, folder, store } of memories) {
      // Adapters are read again when they were long out of use.
      const doubted = new Set<string>();
      const watch = await watchMemory<Commit>({
        ...{ name, registry, memory: store, leads: name !== learns },
        async check(adapter: Adapter, commit: Commit) {
          checkBase(folder, commit.hashes, found);
          checkFits(adapter, { modules: base.modules, config: base.model.config }, folder);
          const doubt = await versionDoubt(store, commit, base.engine.precision);
          if (doubt === null || doubted.has(commit.hash)) return;
          doubted.add(commit.hash);
          logger.warn({ model: `${name}@v${commit.number}` }, doubt);
        },
        onPublish: (id) => logger.info({ model: id }, 'published'),
        onError: (error) => {
          logger.error({ model: name, ...errorFields(error) }, 'a new version cannot be served');
        },
      });
      watches.push(watch);
    }
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}
