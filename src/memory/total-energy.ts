/** What consolidation did to the matrices of an adapter, in all. */
import type { MatrixReport } from './consolidate.ts';

/** Sums over the matrices. */
export function totalEnergy(reports: ReadonlyMap<string, MatrixReport>): MatrixReport['energy'] {
  const total = { shortTerm: 0, denoised: 0, parallel: 0, refined: 0 };
  for (const { energy } of reports.values()) {
    total.shortTerm += energy.shortTerm;
    total.denoised += energy.denoised;
    total.parallel += energy.parallel;
    total.refined += energy.refined;
  }
  return total;
}
