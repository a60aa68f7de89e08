/** What consolidation did to an adapter, in a few numbers, for people who look at a commit. */
import type { MatrixReport } from '../consolidate.ts';
import { totalEnergy } from '../total-energy.ts';
import type { ConsolidationSummary } from './records.ts';

export function summarise(reports: ReadonlyMap<string, MatrixReport>): ConsolidationSummary {
  const list = [...reports.values()];
  const kept = list.map(({ keptRank }) => keptRank);
  const { shortTerm, denoised, parallel, refined } = totalEnergy(reports);
  return {
    matrices: list.length,
    kept_rank: {
      mean: list.length === 0 ? 0 : kept.reduce((sum, rank) => sum + rank, 0) / list.length,
      least: kept.length === 0 ? 0 : Math.min(...kept),
      most: Math.max(0, ...kept),
      of: Math.max(0, ...list.map(({ singularValues }) => singularValues.length)),
    },
    energy: { short_term: shortTerm, denoised, parallel, refined },
    kept_energy: percent(denoised, shortTerm),
    old_directions: percent(parallel, denoised),
  };
}

/** Of nothing, nothing. */
function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}
