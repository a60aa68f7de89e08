/** Everything a report shows, gathered before any of it is laid out. */
import { UserError } from '../../support/errors.ts';
import { type Comparison, compareRuns, type NamedRuns } from '../comparison/index.ts';
import { type RunRecord, readRunRecord } from './record/run.ts';
import { answersSideBySide, privateTasksOf, type TaskAnswers } from './sides.ts';
import { answerTable } from './tables/answers.ts';
import { consolidationTable, layerTable } from './tables/consolidation.ts';
import { provenanceTable, rowTable, runTable } from './tables/facts.ts';
import { generalDifferences, generalTable } from './tables/general.ts';
import { replayTables } from './tables/replay.ts';
import { aloneTable, matrixTables, statisticTables, taskTables } from './tables/scores.ts';
import type { Table } from './tables/table.ts';
import { trainingTable } from './tables/training.ts';

/** Runs of one name differ in their seed. */
export interface NamedFolder {
  readonly name: string;
  /** An output folder of `train`. */
  readonly folder: string;
}

export interface ReportOptions {
  /** Test rows of each task whose answers are shown, at most; left out: 4. */
  readonly answers?: number;
  /** Of the bootstrap; left out: 10,000. */
  readonly resamples?: number;
}

export interface Report {
  readonly runs: readonly RunRecord[];
  readonly comparison: Comparison;
  /** Of `answered`, in that order. */
  readonly answers: readonly TaskAnswers[];
  /** The first run of each name. */
  readonly answered: readonly RunRecord[];
  readonly tables: readonly Table[];
}

/**
 * @throws {UserError} for a folder that holds no run, for runs that cannot be compared, and for a file that is
 *   there but not what a run writes, naming it.
 */
export async function gatherReport(
  named: readonly NamedFolder[],
  { answers: count = 4, resamples = 10_000 }: ReportOptions = {},
): Promise<Report> {
  if (named.length === 0) throw new UserError('a report needs at least one run');
  const names = [...new Set(named.map(({ name }) => name))];
  const byName = await Promise.all(
    names.map((name) =>
      recordsOf(
        name,
        named.filter((entry) => entry.name === name),
      ),
    ),
  );
  const runs = byName.flat();
  const comparison = compareRuns(
    byName.map(
      (records, at): NamedRuns => ({ name: names[at]!, runs: records.map(({ results }) => results) }),
    ),
    { resamples },
  );
  const answered = byName.map(([first]) => first!);
  const answers = await answersSideBySide(answered, { count, privateTasks: privateTasksOf(runs) });
  return {
    runs,
    comparison,
    answers,
    answered,
    tables: [
      runTable(runs),
      ...rowTable(runs),
      ...statisticTables(comparison),
      ...aloneTable(comparison),
      ...matrixTables(runs),
      ...taskTables(runs),
      ...generalTable(runs, { resamples }),
      ...generalDifferences(comparison),
      ...trainingTable(runs),
      ...consolidationTable(runs),
      ...layerTable(runs),
      ...replayTables(runs),
      ...answerTable(answers, answered),
      provenanceTable(runs),
    ],
  };
}

/** By seed, as they are compared; the seed tells apart what one name stands for. */
async function recordsOf(name: string, folders: readonly NamedFolder[]): Promise<RunRecord[]> {
  const records = await Promise.all(folders.map(({ folder }) => readRunRecord(name, folder)));
  if (records.length === 1) return records;
  return records
    .map((record) => ({ ...record, label: `${name}, seed ${record.config.seed}` }))
    .sort((one, other) => one.config.seed - other.config.seed);
}
