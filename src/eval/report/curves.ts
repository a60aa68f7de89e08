/** A run's step log as curves a page can hold: means over neighbouring steps. */
import type { Step } from './record/files.ts';

/** Points of a curve over a whole run, at most; a page has many curves. */
const MOST_POINTS = 240;

export interface CurvePoint {
  /** Over the whole run, from 1; the middle of those averaged. */
  readonly step: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** The first after another stage, to which no line leads. */
  readonly starts: boolean;
}

/** What is read of a step; `null` where it has none. `low` and `high` are the step's own spread. */
export interface Reading {
  value(step: Step): number | null;
  low?(step: Step): number | null;
  high?(step: Step): number | null;
}

/** How many steps a point of the run's curves stands for, at most. */
export function bucketSize(steps: readonly Step[]): number {
  return Math.max(1, Math.ceil(steps.length / MOST_POINTS));
}

/** Points never average over the border of two stages. Their spread is that of all steps averaged. */
export function curve(steps: readonly Step[], reading: Reading): CurvePoint[] {
  const size = bucketSize(steps);
  const points: CurvePoint[] = [];
  for (let from = 0; from < steps.length; ) {
    const { task, stage } = steps[from]!;
    const otherStage = steps.findIndex(
      (step, at) => at > from && (step.task !== task || step.stage !== stage),
    );
    const end = otherStage === -1 ? steps.length : otherStage;
    for (let at = from; at < end; at += size) {
      const point = meanPoint(steps.slice(at, Math.min(at + size, end)), at, reading);
      if (point) points.push({ ...point, starts: at === from });
    }
    from = end;
  }
  return points;
}

function meanPoint(
  steps: readonly Step[],
  before: number,
  { value, low = value, high = value }: Reading,
): Omit<CurvePoint, 'starts'> | null {
  const present = (read: (step: Step) => number | null) => steps.flatMap((step) => read(step) ?? []);
  const values = present(value);
  if (values.length === 0) return null;
  return {
    step: before + (steps.length + 1) / 2,
    value: values.reduce((sum, one) => sum + one, 0) / values.length,
    low: Math.min(...present(low)),
    high: Math.max(...present(high)),
  };
}

export interface TaskStart {
  readonly task: string;
  /** Over the whole run, from 1. */
  readonly step: number;
}

export function taskStarts(steps: readonly Step[]): TaskStart[] {
  return steps.flatMap(({ task }, at) => (task === steps[at - 1]?.task ? [] : [{ task, step: at + 1 }]));
}

/** Means over a stage's first and last tenth of steps, at least one; `null` where no step has the number. */
export function tenths(
  steps: readonly Step[],
  value: (step: Step) => number | null,
): { readonly first: number | null; readonly last: number | null } {
  const count = Math.max(1, Math.round(steps.length / 10));
  const mean = (part: readonly Step[]) => {
    const values = part.flatMap((step) => value(step) ?? []);
    return values.length === 0 ? null : values.reduce((sum, one) => sum + one, 0) / values.length;
  };
  return { first: mean(steps.slice(0, count)), last: mean(steps.slice(-count)) };
}

export function stepsOf(steps: readonly Step[], task: string, stage: Step['stage']): Step[] {
  return steps.filter((step) => step.task === task && step.stage === stage);
}
