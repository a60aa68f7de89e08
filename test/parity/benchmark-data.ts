/** The benchmark's rows, where they are at hand: real prompts and pairs for comparisons with other programs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import type { PreferenceRow } from '../../src/data/row.ts';
import { DataError, UserError } from '../../src/support/errors.ts';
import { encodePrompt } from '../../src/text/segments.ts';
import type { TextModel } from '../../src/text/text-model.ts';

/** It lies beside the repository and never in it. */
export const BENCHMARK = fileURLToPath(new URL('../../../shared/data/lifealign-bench', import.meta.url));

const PROMPT_SETS = ['hh-rlhf-helpful-base', 'TruthfulQA'];

export const hasBenchmark = (folder = BENCHMARK): boolean => existsSync(folder);

/**
 * The valid training rows of one of its sets.
 * @throws {UserError} where the benchmark or the set is not at hand
 */
export async function benchmarkRows(set: string, folder = BENCHMARK): Promise<readonly PreferenceRow[]> {
  if (!hasBenchmark(folder)) throw new UserError(`the benchmark's rows are not in ${folder}`);
  const { rows } = await readPreferenceRows(join(folder, set, 'train.json'), { invalidRows: 'skip' });
  return rows;
}

/**
 * Encoded prompts of helpfulness (long and short ones) and truthfulness (short ones) in turn: the first of each
 * set that have at most `longest` tokens.
 * @throws {UserError} where there are not so many, or the benchmark is not at hand
 */
export async function benchmarkPrompts(
  count: number,
  longest: number,
  text: TextModel,
  folder = BENCHMARK,
): Promise<readonly Int32Array[]> {
  const perSet = Math.ceil(count / PROMPT_SETS.length);
  const lists: Int32Array[][] = [];
  for (const set of PROMPT_SETS) {
    const list: Int32Array[] = [];
    for (const { prompt } of await benchmarkRows(set, folder)) {
      const ids = encodePrompt(prompt, text);
      if (ids.length <= longest) list.push(ids);
      if (list.length === perSet) break;
    }
    if (list.length < perSet) {
      throw new DataError({ file: join(folder, set) }, `only ${list.length} prompts of ${longest} tokens`);
    }
    lists.push(list);
  }
  return Array.from({ length: count }, (_, at) => lists[at % lists.length]![Math.floor(at / lists.length)]!);
}
