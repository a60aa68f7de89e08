/** What a run left in its folder, read for statistics: every test row's scores, and what the rows were. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { DataError } from '../../support/errors.ts';
import type { RowScore } from '../preference.ts';
import { readRunJson, readRunYaml } from '../run-file.ts';
import { type GeneralRecord, readGeneral } from './general-file.ts';

/** A score's rows for one cell of the matrix; `null` where it was not measured. */
type Cell<Row> = readonly Row[] | null;

export interface RunResults {
  readonly folder: string;
  readonly tasks: readonly string[];
  /** Per task, of the whole file and as it was recorded when the run began. */
  readonly testHashes: readonly string[];
  /** Per task the measured rows' positions in the file; `null` for a task that was never measured. */
  readonly testRows: readonly (readonly number[] | null)[];
  readonly seed: number;
  /** Of work; `null` for a run that is not finished. */
  readonly seconds: number | null;
  /** `scores[i][j]`: task j's rows after training on task i. */
  readonly scores: readonly (readonly Cell<RowScore>[])[];
  /** The judge's scores, 0 to 100, in the same order; and those of the base's answers. */
  readonly judged: readonly (readonly Cell<number>[])[];
  readonly baseJudged: readonly Cell<number>[];
  /** General ability after each task; `null` where it was not measured. */
  readonly general: readonly (GeneralRecord | null)[];
  /** Equal for runs whose general ability was measured on the same conversations, over the same base. */
  readonly generalKey: string;
}

const recordedRun = z.looseObject({
  tasks: z.array(z.looseObject({ name: z.string().regex(/^[\w.-]+$/) })).min(1),
  seed: z.number(),
  general: z.looseObject({ limit: z.number().optional(), max_new_tokens: z.number().optional() }).nullish(),
  provenance: z.looseObject({
    hashes: z.looseObject({
      base: z.string().nullish(),
      general: z.string().nullish(),
      tasks: z.array(z.looseObject({ test: z.string() })),
    }),
  }),
});

const scoredRows = z
  .array(
    z.object({
      index: z.int(),
      chosen_logp: z.number(),
      rejected_logp: z.number(),
      base_chosen_logp: z.number(),
      base_rejected_logp: z.number(),
      chosen_tokens: z.int().positive(),
      rejected_tokens: z.int().positive(),
    }),
  )
  .min(1);

const judgedRows = z.array(z.object({ index: z.int(), score: z.number() })).min(1);

/**
 * Reads a run's `config.yaml`, `summary.json` and the files of scores and answers that are there; those a run
 * has not reached yet are `null`.
 *
 * @throws {UserError} for a folder that holds no run, and for files that no run writes or that disagree on a
 *   task's test rows, naming the file.
 */
export async function readRunResults(folder: string): Promise<RunResults> {
  const record = await readRecord(join(folder, 'config.yaml'));
  const tasks = record.tasks.map(({ name }) => name);
  const testRows: (readonly number[] | null)[] = tasks.map(() => null);
  const numbered = (task: number) => `${task + 1}-${tasks[task]}`;

  async function cell<Row extends { readonly index: number }>(
    schema: z.ZodType<Row[]>,
    of: string,
    kind: string,
    task: number,
  ): Promise<Row[] | null> {
    const file = join(folder, of, kind, `${numbered(task)}.json`);
    if (!existsSync(file)) return null;
    const rows = await readRunJson(schema, file);
    const indices = rows.map(({ index }) => index);
    testRows[task] ??= indices;
    if (!sameRows(testRows[task], indices)) {
      throw new DataError({ file }, `its rows are not those of the run's other files on task ${tasks[task]}`);
    }
    return rows;
  }
  const scoresOf = async (row: number, task: number) =>
    (await cell(scoredRows, join('tasks', numbered(row)), 'scores', task))?.map(rowScore) ?? null;
  const judgedOf = async (of: string, task: number) =>
    (await cell(judgedRows, of, 'answers', task))?.map(({ score }) => score) ?? null;

  const perTask = <T>(make: (task: number) => Promise<T>) => Promise.all(tasks.map((_, task) => make(task)));
  return {
    folder,
    tasks,
    testHashes: record.provenance.hashes.tasks.map(({ test }) => test),
    testRows,
    seed: record.seed,
    seconds: await readSeconds(join(folder, 'summary.json')),
    scores: await perTask((row) => perTask((task) => scoresOf(row, task))),
    judged: await perTask((row) => perTask((task) => judgedOf(join('tasks', numbered(row)), task))),
    baseJudged: await perTask((task) => judgedOf('base', task)),
    general: await perTask((task) => readGeneral(join(folder, 'tasks', numbered(task), 'general.json'))),
    generalKey: generalKey(record),
  };
}

export function sameRows(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((index, at) => index === other[at]);
}

async function readRecord(file: string): Promise<z.output<typeof recordedRun>> {
  const record = await readRunYaml(recordedRun, file);
  if (record.provenance.hashes.tasks.length !== record.tasks.length) {
    throw new DataError({ file }, 'not the record of a run: not as many hashes as tasks');
  }
  return record;
}

function generalKey({ general, provenance: { hashes } }: z.output<typeof recordedRun>): string {
  return JSON.stringify([hashes.base, hashes.general, general?.limit, general?.max_new_tokens]);
}

async function readSeconds(file: string): Promise<number | null> {
  if (!existsSync(file)) return null;
  return (await readRunJson(z.looseObject({ seconds: z.number() }), file)).seconds;
}

function rowScore(row: z.output<typeof scoredRows>[number]): RowScore {
  return {
    index: row.index,
    chosenLogp: row.chosen_logp,
    rejectedLogp: row.rejected_logp,
    referenceChosenLogp: row.base_chosen_logp,
    referenceRejectedLogp: row.base_rejected_logp,
    chosenTokens: row.chosen_tokens,
    rejectedTokens: row.rejected_tokens,
  };
}
