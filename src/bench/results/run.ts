/**
 * What a bench keeps of a run: each test row's scores, as few bytes as that takes, for a bench has hundreds of runs
 * and grows over many sittings. No text of any row, and no log-prob.
 */
import * as z from 'zod';
import { type RowMatrix, type RunResults, rowMatrix, wasMeasured } from '../../eval/comparison/index.ts';
import { type ResultMatrix, summariseMatrix } from '../../eval/matrix.ts';
import { sha256 } from '../../support/hash.ts';

/** Scores that methods are compared by, in percent; the margin has no scale to compare them on. */
export const tableScores = ['preference_accuracy', 'reward_accuracy', 'judge'] as const;
export type TableScore = (typeof tableScores)[number];

export interface BenchRun {
  readonly tasks: readonly string[];
  readonly seed: number;
  /** By task, equal for runs that were measured on the same test rows; `null` for a task that was not measured. */
  readonly rows: readonly (string | null)[];
  /** `null` where no task was measured. */
  readonly scores: Readonly<Record<TableScore, RowMatrix | null>>;
  /** Means over test rows, in nats. */
  readonly margin: ResultMatrix;
}

/** @param results as `train` left them */
export function benchRun(results: RunResults): BenchRun {
  const { tasks, seed, testHashes, testRows } = results;
  const matrixOf = (score: TableScore) => {
    const matrix = rowMatrix(results, score);
    return wasMeasured(matrix) ? matrix : null;
  };
  return {
    tasks,
    seed,
    rows: testRows.map((rows, at) => rows && sha256([testHashes[at]!, JSON.stringify(rows)]).slice(0, 16)),
    scores: {
      preference_accuracy: matrixOf('preference_accuracy'),
      reward_accuracy: matrixOf('reward_accuracy'),
      judge: matrixOf('judge'),
    },
    margin: rowMatrix(results, 'margin').cells.map((row) => row.map(meanOf)),
  };
}

/** The run's result matrix of one score, with Last, BWT and AP. */
export function scoreMatrix(run: BenchRun, score: TableScore) {
  const matrix = run.scores[score];
  if (!matrix) return null;
  const cells = matrix.cells.map((row) => row.map(meanOf));
  return { base: matrix.base.map(meanOf), ...summariseMatrix(cells) };
}

export function meanOf(rows: readonly number[] | null): number | null {
  return rows && rows.reduce((sum, value) => sum + value, 0) / rows.length;
}

/** Rows that are all 0 or 100 are written as a text of as many digits. */
const writtenRows = z.union([
  z.string().regex(/^[01]+$/, 'expected a row of 0 and 1'),
  z.array(z.number()).min(1),
  z.null(),
]);
type WrittenRows = z.output<typeof writtenRows>;

const writtenMatrix = z
  .object({ base: z.array(writtenRows), cells: z.array(z.array(writtenRows)) })
  .nullable();

export const writtenRun = z.object({
  tasks: z.array(z.string()).min(1),
  seed: z.number(),
  rows: z.array(z.string().nullable()),
  scores: z.object({
    preference_accuracy: writtenMatrix,
    reward_accuracy: writtenMatrix,
    judge: writtenMatrix,
  }),
  margin: z.array(z.array(z.number().nullable())),
});
type WrittenRun = z.output<typeof writtenRun>;

export function written({ scores, ...run }: BenchRun): WrittenRun {
  const write = (matrix: RowMatrix | null) =>
    matrix && { base: matrix.base.map(writeRows), cells: matrix.cells.map((row) => row.map(writeRows)) };
  const { preference_accuracy, reward_accuracy, judge } = scores;
  return {
    tasks: [...run.tasks],
    seed: run.seed,
    rows: [...run.rows],
    scores: {
      preference_accuracy: write(preference_accuracy),
      reward_accuracy: write(reward_accuracy),
      judge: write(judge),
    },
    margin: run.margin.map((row) => [...row]),
  };
}

export function readWritten({ scores, ...run }: WrittenRun): BenchRun {
  const read = (matrix: z.output<typeof writtenMatrix>): RowMatrix | null =>
    matrix && { base: matrix.base.map(readRows), cells: matrix.cells.map((row) => row.map(readRows)) };
  const { preference_accuracy, reward_accuracy, judge } = scores;
  return {
    ...run,
    scores: {
      preference_accuracy: read(preference_accuracy),
      reward_accuracy: read(reward_accuracy),
      judge: read(judge),
    },
  };
}

function writeRows(rows: readonly number[] | null): WrittenRows {
  if (!rows) return null;
  const isBinary = rows.every((value) => value === 0 || value === 100);
  return isBinary ? rows.map((value) => (value === 100 ? '1' : '0')).join('') : [...rows];
}

function readRows(rows: WrittenRows): readonly number[] | null {
  return typeof rows === 'string' ? [...rows].map((digit) => (digit === '1' ? 100 : 0)) : rows;
}
