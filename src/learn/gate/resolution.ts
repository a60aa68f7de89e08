/** What so many gate rows can tell at all, said before hours are spent on training. */
import { normalQuantile } from '../../eval/normal.ts';
import { budgetOf } from './gate.ts';
import type { GateSettings } from './settings.ts';

/** Fewer rows than these can show next to nothing. */
export const LEAST_ROWS = 10;

/**
 * The smallest loss of an accuracy that `rows` rows can show, in points: so many of them turn from right to wrong, with
 * none the other way, that no loss at all is beyond the score interval; k rows lost are sqrt(k) standard errors, whatever
 * n is. Infinite where even the loss of all rows is within it.
 */
export function smallestLossShown(rows: number, level: number): number {
  const turned = Math.floor(normalQuantile(level) ** 2) + 1;
  return turned > rows ? Number.POSITIVE_INFINITY : (100 * turned) / rows;
}

/** How far the interval of a loss reaches, in points, where not one of `rows` rows has turned: z² / (n + z²). */
export function lossNotExcluded(rows: number, level: number): number {
  const square = normalQuantile(level) ** 2;
  return (100 * square) / (rows + square);
}

/** What to tell whoever learns a task with so many gate rows; `null` where they suffice for its later budget. */
export function resolutionWarning(task: string, rows: number, settings: GateSettings): string | null {
  const { score, rule, level } = settings;
  if (score === 'margin') return null;
  const budget = budgetOf(task, settings);
  const isStrict = rule === 'non-inferiority';
  const told = isStrict ? lossNotExcluded(rows, level) : smallestLossShown(rows, level);
  if (told <= budget) return null;
  const finer = `the budget of ${budget} points is finer than its ${rows} gate rows can tell`;
  const loss = told > 100 ? 'any loss' : `a loss below ${told.toFixed(1)} points`;
  const consequence = isStrict
    ? `even an update that costs it nothing will be refused, because a loss of ${told.toFixed(1)} points cannot be excluded`
    : `${loss} will pass`;
  return `task ${task}: ${finer}: ${consequence}`;
}
