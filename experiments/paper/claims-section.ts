/** The section of claims as text: a line for each, a column for each bench. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alignedTable, type Marks } from '../../bench/shared/section.ts';
import { CLAIMS_NOTE, findingText, shortScores } from '../../src/bench/report/claims-table.ts';
import { allClaims, type CheckedClaim } from '../../src/bench/results/claims.ts';
import type { TableScore } from '../../src/bench/results/run.ts';
import { markdownText } from '../../src/eval/report/tables/text.ts';
import { markdownTable } from '../../src/eval/table-text.ts';

export interface BenchClaims {
  readonly name: string;
  readonly scores: readonly TableScore[];
  readonly claims: readonly CheckedClaim[];
}

/** The benches whose results the section has, or says that it has not. */
const BENCHES = ['tiny', 'smollm2'];

/** Where the section stands in REPRODUCIBILITY.md. */
export const CLAIMS: Marks = {
  begin: '<!-- claims: npm run make:claims -->',
  end: '<!-- end of claims -->',
};

/** Where the benches grow, a folder each. */
export const RESULTS = fileURLToPath(new URL('results', import.meta.url));

export async function recordedClaims(): Promise<BenchClaims[]> {
  const names = BENCHES.filter((name) => existsSync(join(RESULTS, name, 'claims.json')));
  return Promise.all(
    names.map(async (name) => {
      const { claims, scores } = JSON.parse(await readFile(join(RESULTS, name, 'claims.json'), 'utf8'));
      return { name, claims, scores };
    }),
  );
}

export function claimsSection(benches: readonly BenchClaims[]): string {
  const rows = allClaims().map(({ id, claim, paper }) => [
    markdownText(claim),
    markdownText(paper),
    ...BENCHES.map((name) => {
      const bench = benches.find((candidate) => candidate.name === name);
      const found = bench?.claims.find((candidate) => candidate.id === id);
      return bench && found ? markdownText(findingsText(found, bench.scores)) : 'not run';
    }),
  ]);
  const head = ['claim', 'paper', ...BENCHES.map((name) => `\`${name}.yaml\``)];
  return `${alignedTable(markdownTable(head, rows))}\n\n${markdownText(CLAIMS_NOTE)}`;
}

/** Scores that say the same are said once. */
function findingsText({ findings }: CheckedClaim, scores: readonly TableScore[]): string {
  const texts = scores.map((score) => findingText(findings[score]));
  if (texts.length === 0 || texts.every((text) => text === 'not run')) return 'not run';
  return scores.map((score, at) => `${shortScores[score]}: ${texts[at]}`).join('; ');
}
