/** Whether fresh ratios still are what was recorded on a machine like this one. */
import type { Comparison } from './comparison.ts';
import { type Form, newest, type Recorded } from './history.ts';

/** A ratio that falls by more than this share of the recorded one has fallen; what is less may be the machine. */
export const TOLERANCE = 0.15;

export interface FreshResult {
  readonly bench: string;
  readonly form: Form;
  readonly machine: string;
  readonly comparisons: readonly Comparison[];
}

export interface Verdict {
  readonly name: string;
  readonly fresh: number;
  /** `null`: nothing of this form was recorded on a machine like this one. */
  readonly recorded: number | null;
  readonly hasFallen: boolean;
}

export function checkRatios(fresh: FreshResult, history: readonly Recorded[]): Verdict[] {
  const { bench, form, machine } = fresh;
  const known = new Map(
    newest(history)
      .filter((record) => record.bench === bench && record.form === form && record.machine === machine)
      .map((record) => [record.name, record.ratio]),
  );
  return fresh.comparisons.map(({ name, ratio }) => {
    const recorded = form === 'custom' ? null : (known.get(name) ?? null);
    const hasFallen = recorded !== null && !(ratio >= (1 - TOLERANCE) * recorded);
    return { name, fresh: ratio, recorded, hasFallen };
  });
}
