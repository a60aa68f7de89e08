/**
 * What a run is, whatever its files are called: the config with every path replaced by a hash of what
 * stands there. Two runs of one fingerprint give the same adapter; a resumed run must have the old one.
 */
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../support/hash.ts';
import type { RunConfig } from './config/schema.ts';

/** Hashes of everything the config names but does not hold. */
export interface RunHashes {
  /** The engine's identity: weights, configuration, precision. */
  readonly base: string;
  readonly tokenizer: string;
  readonly template: string;
  /** Of what the run begins with, finished tasks included; `null` where that is a fresh adapter. */
  readonly adapter: string | null;
  readonly reference: string | null;
  /** Of the neutral conversations; `null` where none are measured. */
  readonly general: string | null;
  readonly tasks: readonly { readonly train: string; readonly test: string }[];
}

/** Keys are those of the config, so that a difference can be named. */
export function fingerprint(config: RunConfig, hashes: RunHashes): Record<string, unknown> {
  // The engine's identity says what of it decides results: on how many ranks it runs, for example, does not.
  const { engine: _, ...decisive } = config;
  return {
    ...decisive,
    base: hashes.base,
    tokenizer: hashes.tokenizer,
    template: hashes.template,
    adapter: hashes.adapter,
    reference: hashes.reference ?? config.reference,
    general: config.general && { ...config.general, rows: hashes.general },
    tasks: config.tasks.map((task, at) => ({ ...task, ...hashes.tasks[at] })),
  };
}

export function fingerprintHash(print: Record<string, unknown>): string {
  return sha256([JSON.stringify(print)]);
}

export interface Difference {
  /** For example `stages.sft.epochs`. */
  readonly key: string;
  readonly before: unknown;
  readonly now: unknown;
}

/** The first key whose values differ, looking into mappings and lists of equal length. */
export function firstDifference(before: unknown, now: unknown, key = ''): Difference | undefined {
  if (isDeepStrictEqual(before, now)) return undefined;
  const isInner = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null;
  const comparable =
    isInner(before) &&
    isInner(now) &&
    !(Array.isArray(before) && before.length !== (now as { length?: unknown }).length);
  if (!comparable) return { key, before, now };
  for (const part of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const found = firstDifference(before[part], now[part], key === '' ? part : `${key}.${part}`);
    if (found) return found;
  }
  return undefined;
}
