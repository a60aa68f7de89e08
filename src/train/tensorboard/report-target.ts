/** Where a run tells what it measures while it is at work: `--report-to`, checked before the run is opened. */
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';

/** `jsonl` is steps.jsonl, which every run writes, as resuming depends on it. */
export const reportTargets = ['jsonl', 'tensorboard'] as const;
export type ReportTarget = (typeof reportTargets)[number];

/** Reads names with commas between them. @throws {UserError} for an unknown one, with the nearest name. */
export function parseReportTargets(list: string): ReportTarget[] {
  return list.split(',').map((entry) => {
    const name = entry.trim();
    const target = reportTargets.find((known) => known === name);
    if (target !== undefined) return target;
    const expected = `expected one of ${reportTargets.join(', ')}, or several with commas between`;
    throw new UserError(
      `--report-to: unknown name "${name}"; ${expected}.${didYouMean(name, reportTargets)}`,
    );
  });
}
