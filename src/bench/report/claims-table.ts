/** The paper's claims, and what became of each in one bench. */
import { plain, type Table } from '../../eval/report/tables/table.ts';
import type { CheckedClaim, Finding } from '../results/claims.ts';
import type { TableScore } from '../results/run.ts';

/** Names short enough for a cell. */
export const shortScores: Readonly<Record<TableScore, string>> = {
  preference_accuracy: 'preference accuracy',
  reward_accuracy: 'reward accuracy',
  judge: 'judge',
};

export const CLAIMS_NOTE =
  'Verified: beyond the 95 % interval in the direction claimed; level: within the interval. No p is corrected for the number of comparisons.';

export function claimsTable(claims: readonly CheckedClaim[], scores: readonly TableScore[]): Table {
  return {
    id: 'claims',
    title: 'The paper’s claims',
    columns: plain('claim', 'paper', ...scores.map((score) => shortScores[score])),
    rows: claims.map(({ claim, paper, findings }) => [
      claim,
      paper,
      ...scores.map((score) => findingText(findings[score])),
    ]),
    note: CLAIMS_NOTE,
  };
}

export function findingText(finding: Finding | undefined): string {
  if (!finding) return 'not run';
  return finding.detail === '' ? finding.state : `${finding.state} (${finding.detail})`;
}
