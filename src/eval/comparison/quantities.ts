/** The numbers a comparison shows of a matrix, and the matrix of a run's rows as they are. */
import { type BaseRow, type ResultMatrix, summariseMatrix, summariseTransfer } from '../matrix.ts';
import type { RowMatrix, Rows } from './row-matrix.ts';

export const statisticNames = ['last', 'bwt', 'ap', 'fwt', 'forgetting'] as const;
export type StatisticName = (typeof statisticNames)[number];

/** One value for each task, from the matrix's last row, and for each statistic. */
export interface Quantities<T> {
  readonly tasks: readonly T[];
  readonly statistics: Readonly<Record<StatisticName, T>>;
}

export function quantitiesOf(matrix: ResultMatrix, base: BaseRow): Quantities<number | null> {
  const { last, bwt, ap } = summariseMatrix(matrix);
  const { fwt, forgetting } = summariseTransfer(matrix, base);
  const tasks = matrix.map((_, task) => matrix.at(-1)![task] ?? null);
  return { tasks, statistics: { last, bwt, ap, fwt, forgetting } };
}

export function quantitiesOfRows({ cells, base }: RowMatrix): Quantities<number | null> {
  return quantitiesOf(
    cells.map((row) => row.map(meanOf)),
    base.map(meanOf),
  );
}

/** As a list: the tasks, then the statistics in `statisticNames`' order. */
export function listed<T>({ tasks, statistics }: Quantities<T>): T[] {
  return [...tasks, ...statisticNames.map((name) => statistics[name])];
}

export function fromList<T>(values: readonly T[]): Quantities<T> {
  const tasks = values.slice(0, -statisticNames.length);
  const entries = statisticNames.map((name, at) => [name, values[tasks.length + at]!]);
  return { tasks, statistics: Object.fromEntries(entries) };
}

/** Whether the quantity at this place of the list is a weighted sum of cells; forgetting's maximum is not. */
export function isLinear(at: number, tasks: number): boolean {
  return statisticNames[at - tasks] !== 'forgetting';
}

function meanOf(rows: Rows): number | null {
  return rows && rows.reduce((sum, value) => sum + value, 0) / rows.length;
}
