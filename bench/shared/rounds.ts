/** Interleaved repeats: every round measures each side once, so what drifts on a machine falls on all alike. */
import type { ChildReport, Measured } from './child.ts';
import type { Journal } from './journal.ts';

export interface Side<Report extends ChildReport> {
  /** In tables. */
  readonly name: string;
  readonly measure: () => Promise<Measured<Report>>;
}

/**
 * A B C, A B C, ...
 *
 * @param label names this comparison in the journal and for people
 * @param units what a side works through in one measurement, such as its tokens
 * @returns for each side, in their order, its measurements in the order of rounds
 */
export async function measureRounds<Report extends ChildReport>(
  label: string,
  sides: readonly Side<Report>[],
  { repeats, units, journal }: { repeats: number; units: number; journal: Journal },
): Promise<Measured<Report>[][]> {
  const results: Measured<Report>[][] = sides.map(() => []);
  for (let round = 1; round <= repeats; round++) {
    for (const [at, { name, measure }] of sides.entries()) {
      const result = await journal.result(`${label}, round ${round}, ${name}`, measure);
      results[at]!.push(result);
      const rate = `${(units / result.seconds).toFixed(1)} tokens/s`;
      process.stderr.write(`${label}, round ${round}/${repeats}, ${name}: ${rate}\n`);
    }
  }
  return results;
}
