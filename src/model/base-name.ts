/** Whether an adapter says that it was trained on another base than the one it is put on. */
import { resolve } from 'node:path';
import type { SavedAdapter } from './adapter-folder.ts';
import { otherPrecision } from './base-precision.ts';
import { NAMED_MODELS } from './hub/pull.ts';
import { parseRepositoryName } from './hub/repository.ts';

/**
 * A warning where the adapter from `folder` names another base than `base`, a path or a name; `null`
 * where it names the same or none. Modules and shapes decide whether an adapter fits, not names.
 */
export function otherBase({ baseModel }: SavedAdapter, folder: string, base: string): string | null {
  if (baseModel === null || isSameBase(baseModel, base)) return null;
  return (
    `${folder} names the base model ${baseModel}, and it is used on ${base}; ` +
    'where these are different models, its results mean nothing'
  );
}

/**
 * All warnings about an adapter from `folder` on a base that is open: as `otherBase`, and for one that was trained over a
 * base in another precision.
 *
 * @param precision as the engine holds the base; `null`: not looked at
 */
export function baseDoubts(
  adapter: SavedAdapter,
  folder: string,
  { base, precision }: { readonly base: string; readonly precision: string | null },
): readonly string[] {
  const doubts = [
    otherBase(adapter, folder, base),
    precision === null ? null : otherPrecision(adapter.basePrecisions, folder, precision),
  ];
  return doubts.filter((doubt) => doubt !== null);
}

function isSameBase(a: string, b: string): boolean {
  return resolve(a) === resolve(b) || repositoryOf(a) === repositoryOf(b);
}

/** The hub repository a short name stands for, or a name without its revision. */
function repositoryOf(name: string): string {
  return NAMED_MODELS.get(name)?.repository ?? parseRepositoryName(name)?.repository ?? name;
}
