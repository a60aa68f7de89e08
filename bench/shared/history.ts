/**
 * What was recorded so far: bench/results/history.jsonl, a line for each comparison of each recorded run. Lines are
 * only ever added.
 */
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { DataError } from '../../src/support/errors.ts';
import { parseJson, readTextFile } from '../../src/support/json.ts';
import type { Comparison } from './comparison.ts';

export const HISTORY = fileURLToPath(new URL('../results/history.jsonl', import.meta.url));

/** `custom` runs are of sizes of their own, and comparable with nothing. */
export const forms = ['full', 'short', 'custom'] as const;
export type Form = (typeof forms)[number];

const ends = z.tuple([z.number(), z.number()]).readonly();

const recorded = z.object({
  date: z.iso.datetime(),
  bench: z.string(),
  form: z.enum(forms),
  /** As in the names of result files; machines with the same one are alike. */
  machine: z.string(),
  cpu: z.string(),
  /** Of the checkout; with `+` behind it, changed since. */
  commit: z.string(),
  versions: z.record(z.string(), z.string()),
  name: z.string(),
  against: z.string(),
  unit: z.string(),
  ours: z.number(),
  peer: z.number(),
  ratio: z.number(),
  spread: z.object({ ours: ends, peer: ends, ratio: ends }),
});

export type Recorded = z.output<typeof recorded>;

export type RunOfBench = Omit<Recorded, keyof Comparison>;

/** @throws {DataError} naming the line that is no record. */
export async function readHistory(file = HISTORY): Promise<Recorded[]> {
  if (!existsSync(file)) return [];
  const lines = (await readTextFile(file)).split('\n').filter((line) => line !== '');
  return lines.map((line, at) => {
    const result = recorded.safeParse(parseJson(line, file, at + 1));
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw new DataError({ file, line: at + 1 }, `no record: ${issue?.path.join('.')}: ${issue?.message}`);
  });
}

export async function appendHistory(
  run: RunOfBench,
  comparisons: readonly Comparison[],
  file = HISTORY,
): Promise<void> {
  const lines = comparisons.map((comparison) => `${JSON.stringify({ ...run, ...comparison })}\n`);
  await appendFile(file, lines.join(''));
}

/** The last one of each machine, bench, name and form, in the order in which they first came. */
export function newest(records: readonly Recorded[]): Recorded[] {
  const last = new Map<string, Recorded>();
  for (const record of records) {
    const { machine, bench, name, form } = record;
    last.set(JSON.stringify([machine, bench, name, form]), record);
  }
  return [...last.values()];
}
