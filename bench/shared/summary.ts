/** What is told of repeated measurements, and how: median and spread in a Markdown table. */
import type { ChildReport, Measured } from './child.ts';

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('a median needs at least one value');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median, least: sorted[0]!, most: sorted.at(-1)! };
}

export interface SideSummary {
  readonly name: string;
  readonly tokensPerSecond: Spread;
  readonly seconds: Spread;
  readonly startSeconds: Spread;
  readonly peakResidentBytes: Spread;
  /** `null` where the system does not say. */
  readonly peakPhysicalBytes: Spread | null;
}

/** @param tokens worked through in one measurement */
export function summariseSide(
  name: string,
  tokens: number,
  results: readonly Measured<ChildReport>[],
): SideSummary {
  const physical = results.flatMap(({ peakPhysicalBytes }) => peakPhysicalBytes ?? []);
  return {
    name,
    tokensPerSecond: spread(results.map(({ seconds }) => tokens / seconds)),
    seconds: spread(results.map(({ seconds }) => seconds)),
    startSeconds: spread(results.map(({ startSeconds }) => startSeconds)),
    peakResidentBytes: spread(results.map(({ peakResidentBytes }) => peakResidentBytes)),
    peakPhysicalBytes: physical.length === 0 ? null : spread(physical),
  };
}

/** How many times as fast the first side is as each: its median tokens per second over theirs. */
export function speedUps(sides: readonly SideSummary[]): number[] {
  return sides.map(({ tokensPerSecond }) => sides[0]!.tokensPerSecond.median / tokensPerSecond.median);
}

/** A line for each side. */
export function sidesTable(sides: readonly SideSummary[]): string {
  const ratios = speedUps(sides);
  return table(
    [
      '',
      'tokens/s: median (spread)',
      `${sides[0]!.name} is`,
      'seconds',
      'start and load, s',
      'peak memory, GB',
      'of it physical, GB',
    ],
    sides.map((side, at) => [
      side.name,
      shown(side.tokensPerSecond),
      at === 0 ? '' : `${ratios[at]!.toFixed(2)}× as fast`,
      shown(side.seconds),
      shown(side.startSeconds),
      (side.peakResidentBytes.most / 1e9).toFixed(2),
      side.peakPhysicalBytes ? (side.peakPhysicalBytes.most / 1e9).toFixed(2) : '-',
    ]),
  );
}

export function shown({ median, least, most }: Spread, digits = 1): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

/** In Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}
