/**
 * In what precision of its base a version's adapter was trained (model/base-precision.ts). The base's hashes say nothing
 * of that: they are of its files. Held in other numbers it is another base to the adapter, to the log-probs that
 * replayed rows have, and to what the gate measured.
 */
import { distinctPrecisions, otherPrecision, printPrecisions } from '../../model/base-precision.ts';
import { UserError } from '../../support/errors.ts';
import { ancestry } from './lineage.ts';
import type { Commit, MemoryStore } from './store.ts';

export interface TrainedPrecisions {
  /** Each once, the oldest training's first. */
  readonly known: readonly string[];
  /** Whether all of the training is in them: older memories did not record it, and not every adapter says it. */
  readonly isWhole: boolean;
}

/**
 * Of the adapter that the memory began with, and of all that has been merged since and was not dropped.
 *
 * @param learned as `MemoryStore.learned`, for who has it at hand
 */
export async function trainedPrecisions(
  store: MemoryStore,
  commit: Commit,
  learned?: readonly Commit[],
): Promise<TrainedPrecisions> {
  const [root] = await ancestry(store, commit);
  const parts = [root!, ...(learned ?? (await store.learned(commit)))].map(({ precisions }) => precisions);
  return { known: distinctPrecisions(...parts), isWhole: !parts.includes(undefined) };
}

/** `nf4/bfloat16`, `not recorded`, `float32; of a part not recorded`, `nothing was trained`. */
export function describePrecisions({ known, isWhole }: TrainedPrecisions): string {
  if (isWhole) return known.length === 0 ? 'nothing was trained' : printPrecisions(known);
  return known.length === 0 ? 'not recorded' : `${printPrecisions(known)}; of a part not recorded`;
}

/** A warning where a version is used over a base in another precision than it was trained over, or `null`. */
export async function versionDoubt(
  store: MemoryStore,
  commit: Commit,
  precision: string,
): Promise<string | null> {
  const { known } = await trainedPrecisions(store, commit);
  return otherPrecision(known, `${store.folder}: version ${commit.number}`, precision);
}

/**
 * Before a task is learned onto a version.
 *
 * @param precision of the base that is open
 * @returns what is doubtful all the same, as warnings
 * @throws {UserError} where tasks of the version were learned over a base in another precision.
 */
export async function checkPrecision(
  store: MemoryStore,
  commit: Commit,
  precision: string,
): Promise<readonly string[]> {
  const { folder } = store;
  const learned = (await store.learned(commit)).map(({ precisions }) => precisions);
  const others = distinctPrecisions(...learned).filter((one) => one !== precision);
  if (others.length > 0) {
    throw new UserError(
      `${folder}: its tasks were learned over a base in ${printPrecisions(others)}, and this one is in ${precision}: ` +
        'log-probs of the rows that are replayed, and what the gate has measured, are of that base. Give the --engine ' +
        'that it was learned with, or go on from its adapter in a new memory ("memory export", "memory init --adapter")',
    );
  }
  const doubt = await versionDoubt(store, commit, precision);
  const unknown =
    `${folder}: in what precision its base was when its tasks were learned is not recorded, and now it is in ` +
    `${precision}; where that is another one, log-probs of the rows that are replayed are not this base's`;
  return [...(doubt === null ? [] : [doubt]), ...(learned.includes(undefined) ? [unknown] : [])];
}
