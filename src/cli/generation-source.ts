/** What answers: a model with or without an adapter, or a memory, which may have other tasks for every prompt. */
import type { Adapter } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import type { ProgressFactory } from '../support/progress.ts';
import type { BaseModel } from '../train/base-model.ts';
import { engineOf } from './engine-flag.ts';
import { threadsOf, wholeNumber } from './whole-number.ts';

export interface SourceFlags {
  readonly model?: string;
  readonly adapter?: string;
  readonly memory?: string;
  readonly retrieve?: string;
  readonly engine?: string;
  readonly threads?: string;
}

/** Prompts that the same adapter answers. */
export interface PromptGroup {
  readonly positions: readonly number[];
  readonly adapter: Adapter | null;
  /** Retrieved ones; `null` where nothing is. */
  readonly tasks: readonly string[] | null;
}

export interface GenerationSource {
  /** Its engine is the caller's to close. */
  readonly base: BaseModel;
  /** For lengths: what all adapters put in front of a prompt. */
  readonly adapter: Adapter | null;
  groups(prompts: readonly Int32Array[]): Promise<readonly PromptGroup[]>;
}

/** @throws {UserError} for flags that contradict each other, before anything is opened. */
export function checkSource({ model, adapter, memory, retrieve, engine, threads }: SourceFlags): void {
  threadsOf(threads);
  engineOf(engine);
  if (memory === undefined && model === undefined) {
    throw new UserError('--model: missing; expected a model (or --memory)');
  }
  if (memory === undefined && retrieve !== undefined) {
    throw new UserError('--retrieve: expected beside --memory, whose tasks are retrieved');
  }
  const other = model === undefined ? (adapter === undefined ? null : '--adapter') : '--model';
  if (memory !== undefined && other !== null) {
    throw new UserError(`--memory: it has a base and an adapter of its own; leave out ${other}`);
  }
  if (retrieve !== undefined) wholeNumber('--retrieve', retrieve, 1, 1000);
}

export async function openSource(
  flags: SourceFlags,
  { progress, warn }: { readonly progress: ProgressFactory; readonly warn: (message: string) => void },
): Promise<GenerationSource> {
  if (flags.memory !== undefined) return openMemory(flags.memory, flags, progress);
  const { openBase } = await import('./base.ts');
  const base = await openBase(flags.model!, {
    progress,
    warn,
    ...threadsOf(flags.threads),
    ...engineOf(flags.engine),
  });
  try {
    const adapter = flags.adapter === undefined ? null : await base.readAdapter(flags.adapter);
    return { base, adapter, groups: async (prompts) => [oneGroup(prompts, adapter)] };
  } catch (error) {
    await base.engine.close();
    throw error;
  }
}

async function openMemory(
  folder: string,
  { retrieve: count, threads, engine }: SourceFlags,
  progress: ProgressFactory,
): Promise<GenerationSource> {
  const { MemoryStore } = await import('../memory/store/store.ts');
  const { openMemoryBase } = await import('./memory-base.ts');
  const store = await MemoryStore.open(folder);
  const { commit: version } = await store.head();
  const adapter = await store.adapter(version);
  const { model: base } = await openMemoryBase(store, { threads, engine, progress });
  if (count === undefined) return { base, adapter, groups: async (prompts) => [oneGroup(prompts, adapter)] };
  try {
    const { promptSide, retrieve, TaskIndex } = await import('../learn/retrieve.ts');
    const index = await TaskIndex.open(store, version, promptSide(base));
    const groups = (prompts: readonly Int32Array[]) =>
      retrieve(prompts, Number(count), index, { store, version });
    return { base, adapter, groups };
  } catch (error) {
    await base.engine.close();
    throw error;
  }
}

function oneGroup(prompts: readonly Int32Array[], adapter: Adapter | null): PromptGroup {
  return { positions: [...prompts.keys()], adapter, tasks: null };
}
