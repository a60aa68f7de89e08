/** What answers: a model with or without an adapter, or a memory, which may have other tasks for every prompt. */
import type { Adapter } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import {
  type AdapterSource,
  type AdapterSourceFlags,
  checkAdapterSource,
  type OpenAdapterSourceOptions,
  openAdapterSource,
} from './adapter-source.ts';
import { wholeNumber } from './whole-number.ts';

export interface SourceFlags extends AdapterSourceFlags {
  readonly retrieve?: string;
}

/** Prompts that the same adapter answers. */
export interface PromptGroup {
  readonly positions: readonly number[];
  readonly adapter: Adapter | null;
  /** Retrieved ones; `null` where nothing is. */
  readonly tasks: readonly string[] | null;
}

export interface GenerationSource extends Pick<AdapterSource, 'base' | 'adapter'> {
  groups(prompts: readonly Int32Array[]): Promise<readonly PromptGroup[]>;
}

/** @throws {UserError} for flags that contradict each other, before anything is opened. */
export async function checkSource(flags: SourceFlags): Promise<void> {
  await checkAdapterSource(flags);
  const { memory, retrieve } = flags;
  if (retrieve === undefined) return;
  if (memory === undefined) {
    throw new UserError('--retrieve: expected beside --memory, whose tasks are retrieved');
  }
  wholeNumber('--retrieve', retrieve, 1, 1000);
}

export async function openSource(
  flags: SourceFlags,
  options: OpenAdapterSourceOptions,
): Promise<GenerationSource> {
  const { base, adapter, version } = await openAdapterSource(flags, options);
  if (version === null || flags.retrieve === undefined) {
    const groups = async (prompts: readonly Int32Array[]) => [
      { positions: [...prompts.keys()], adapter, tasks: null },
    ];
    return { base, adapter, groups };
  }
  const { store, commit } = version;
  const count = Number(flags.retrieve);
  try {
    const { promptSide, retrieve, TaskIndex } = await import('../learn/retrieve.ts');
    const index = await TaskIndex.open(store, commit, promptSide(base));
    const groups = (prompts: readonly Int32Array[]) =>
      retrieve(prompts, count, index, { store, version: commit });
    return { base, adapter, groups };
  } catch (error) {
    await base.engine.close();
    throw error;
  }
}
