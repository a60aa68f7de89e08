/** What so many gate rows can tell at all, said before hours are spent on training. */
import { budgetOf } from './gate.ts';
import type { GateSettings } from './settings.ts';

/** Fewer rows than these give intervals that mean nothing: a bootstrap redraws them. */
export const LEAST_ROWS = 10;

/**
 * The smallest loss of an accuracy that `rows` rows can show, in points: so many rows have to turn from right to wrong,
 * with none the other way, that a redrawn set holds one of them with the interval's one-sided certainty,
 * (1 − k/n)^n < (1 − level)/2.
 */
export function smallestLossShown(rows: number, level: number): number {
  const tail = (1 - level) / 2;
  let turned = 1;
  while (turned < rows && (1 - turned / rows) ** rows >= tail) turned++;
  return (100 * turned) / rows;
}

/** What to tell whoever learns a task with so many gate rows; `null` where they suffice for its later budget. */
export function resolutionWarning(task: string, rows: number, settings: GateSettings): string | null {
  if (settings.score === 'margin') return null;
  const shown = smallestLossShown(rows, settings.level);
  const budget = budgetOf(task, settings);
  if (shown <= budget) return null;
  const finer = `the budget of ${budget} points is finer than its ${rows} gate rows can tell`;
  const consequence =
    settings.rule === 'significance'
      ? `a loss below ${shown.toFixed(1)} points will pass`
      : 'an update that costs it nothing may be refused';
  return `task ${task}: ${finer}: ${consequence}`;
}
