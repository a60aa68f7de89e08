/** `--tasks a,b --weights 1,0.5`: which tasks of a memory are composed, and in which proportion. */
import type { Composition } from '../learn/compose.ts';
import { UserError } from '../support/errors.ts';

/** @throws {UserError} for an empty name, a weight that is no number, or not one weight for each task. */
export function parseComposition(tasks: string, weights?: string): readonly Composition[] {
  const names = tasks.split(',').map((name) => name.trim());
  if (names.includes('')) throw new UserError(`--tasks ${tasks}: expected names with commas between`);
  if (weights === undefined) return names.map((task) => ({ task, weight: 1 }));
  const numbers = weights.split(',').map((text) => (text.trim() === '' ? Number.NaN : Number(text)));
  if (!numbers.every(Number.isFinite)) {
    throw new UserError(`--weights ${weights}: expected numbers with commas between`);
  }
  if (numbers.length !== names.length) {
    throw new UserError(`--weights ${weights}: ${numbers.length} weights for ${names.length} tasks`);
  }
  return names.map((task, at) => ({ task, weight: numbers[at]! }));
}

/** For people: `a + 0.5 b`. */
export function compositionName(parts: readonly Composition[]): string {
  return parts.map(({ task, weight }) => (weight === 1 ? task : `${weight} ${task}`)).join(' + ');
}
