/** The base of a memory, opened and checked to be the one that everything in the memory is about. */
import { baseHashes, checkBase } from '../memory/store/base-hashes.ts';
import { versionDoubt } from '../memory/store/precision.ts';
import type { BaseHashes } from '../memory/store/records.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { ProgressFactory } from '../support/progress.ts';
import { type BaseModel, openBaseModel } from '../train/base-model.ts';
import { engineOf } from './engine-flag.ts';
import { say } from './memory-command.ts';
import { threadsOf } from './whole-number.ts';

export interface MemoryBase {
  readonly model: BaseModel;
  readonly hashes: BaseHashes;
}

interface MemoryBaseFlags {
  readonly threads?: string | undefined;
  readonly engine?: string | undefined;
  readonly progress: ProgressFactory;
  /** That are asked: a warning for each that was trained over the base in another precision. */
  readonly versions: readonly Commit[];
}

/** The caller closes the engine. @throws {UserError} for a base that is missing, or another one. */
export async function openMemoryBase(
  store: MemoryStore,
  { threads, engine, progress, versions }: MemoryBaseFlags,
): Promise<MemoryBase> {
  const { base } = await store.config();
  const warn = (message: string) => say(`warning: ${message}`);
  const model = await openBaseModel(base, {
    warn,
    prefer: 'name',
    progress,
    ...threadsOf(threads),
    ...(await engineOf(engine)),
  });
  try {
    const hashes = baseHashes(model);
    checkBase(store.folder, (await store.head()).commit.hashes, hashes);
    for (const version of versions) {
      const doubt = await versionDoubt(store, version, model.engine.precision);
      if (doubt !== null) warn(doubt);
    }
    return { model, hashes };
  } catch (error) {
    await model.engine.close();
    throw error;
  }
}
