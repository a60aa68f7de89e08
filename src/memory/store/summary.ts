/** What consolidation did to an adapter, in a few numbers, for people who look at a commit. */
import type { MatrixReport } from '../consolidate.ts';
import type { ConsolidationSummary } from './records.ts';

export function summarise(reports: ReadonlyMap<string, MatrixReport>): ConsolidationSummary {
  const list = [...reports.values()];
  const total = (of: (report: MatrixReport) => number) => list.reduce((sum, report) => sum + of(report), 0);
  const kept = list.map(({ keptRank }) => keptRank);
  const energy = {
    short_term: total((report) => report.energy.shortTerm),
    denoised: total((report) => report.energy.denoised),
    parallel: total((report) => report.energy.parallel),
    refined: total((report) => report.energy.refined),
  };
  return {
    matrices: list.length,
    kept_rank: {
      mean: list.length === 0 ? 0 : total(({ keptRank }) => keptRank) / list.length,
      least: kept.length === 0 ? 0 : Math.min(...kept),
      most: Math.max(0, ...kept),
      of: Math.max(0, ...list.map(({ singularValues }) => singularValues.length)),
    },
    energy,
    kept_energy: percent(energy.denoised, energy.short_term),
    old_directions: percent(energy.parallel, energy.denoised),
  };
}

/** Of nothing, nothing. */
function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}
