/** `--model` with or without `--adapter`, or `--memory`: a base and what is on top of it. */
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { Adapter } from '../model/adapter.ts';
import type { TrainedOver } from '../model/base-precision.ts';
import { UserError } from '../support/errors.ts';
import type { ProgressFactory } from '../support/progress.ts';
import type { BaseModel } from '../train/base-model.ts';
import { engineOf } from './engine-flag.ts';
import { threadsOf } from './whole-number.ts';

export interface AdapterSourceFlags {
  readonly model?: string;
  readonly adapter?: string;
  readonly memory?: string;
  readonly engine?: string;
  readonly threads?: string;
}

export interface AdapterSource {
  /** Its engine is the caller's to close. */
  readonly base: BaseModel;
  readonly adapter: (Adapter & TrainedOver) | null;
  /** What the base is called: `--model`, or what the memory's config says. */
  readonly name: string;
  /** Where the adapter is a memory's. */
  readonly version: { readonly store: MemoryStore; readonly commit: Commit } | null;
}

export interface OpenAdapterSourceOptions {
  /** Of the memory; its head where left out. */
  readonly version?: string;
  readonly progress: ProgressFactory;
  readonly warn: (message: string) => void;
  /** Whether a base in another precision than the adapter was trained over is warned of; it is where left out. */
  readonly warnOfPrecision?: boolean;
}

/** @throws {UserError} for flags that contradict each other, before anything is opened. */
export async function checkAdapterSource(flags: AdapterSourceFlags): Promise<void> {
  const { model, adapter, memory, engine, threads } = flags;
  threadsOf(threads);
  await engineOf(engine);
  if (memory === undefined) {
    if (model === undefined) throw new UserError('--model: missing; expected a model (or --memory)');
    return;
  }
  const other = model === undefined ? (adapter === undefined ? null : '--adapter') : '--model';
  if (other !== null) {
    throw new UserError(`--memory: it has a base and an adapter of its own; leave out ${other}`);
  }
}

/** @param flags that were checked */
export async function openAdapterSource(
  { model, adapter: folder, memory, engine, threads }: AdapterSourceFlags,
  { version = 'head', progress, warn, warnOfPrecision = true }: OpenAdapterSourceOptions,
): Promise<AdapterSource> {
  if (memory !== undefined) {
    const { MemoryStore } = await import('../memory/store/store.ts');
    const { openMemoryBase } = await import('./memory-base.ts');
    const store = await MemoryStore.open(memory);
    const commit = await store.resolve(version);
    const { trainedPrecisions } = await import('../memory/store/precision.ts');
    const { known: basePrecisions } = await trainedPrecisions(store, commit);
    const adapter = { ...(await store.adapter(commit)), basePrecisions };
    const { base: name } = await store.config();
    const versions = warnOfPrecision ? [commit] : [];
    const { model: base } = await openMemoryBase(store, { threads, engine, progress, versions });
    return { base, adapter, name, version: { store, commit } };
  }
  const name = model as string;
  const { openBase } = await import('./base.ts');
  const base = await openBase(name, { progress, warn, ...threadsOf(threads), ...(await engineOf(engine)) });
  try {
    const adapter = folder === undefined ? null : await base.readAdapter(folder, { warnOfPrecision });
    return { base, adapter, name, version: null };
  } catch (error) {
    await base.engine.close();
    throw error;
  }
}
