/** Writes what a bench found: every table as Markdown, CSV and LaTeX, the matrices and claims as JSON, and a page. */
import { join } from 'node:path';
import { markdownText, tableCsv, tableMarkdown } from '../../eval/report/tables/text.ts';
import { writeFileAtomic, writeFolderAtomic, writeJsonFile } from '../../support/atomic-file.ts';
import { checkClaims } from '../results/claims.ts';
import type { BenchResults } from '../results/gather.ts';
import { benchTables } from '../results/tables.ts';
import { claimsTable } from './claims-table.ts';
import { benchDocument } from './document.tsx';
import { tableLatex } from './latex.ts';

export interface BenchOutput {
  readonly results: BenchResults;
  /** Of the bench, for people. */
  readonly title: string;
  /** The content of matrices.json. */
  readonly matrices: string;
  /** Said above the tables. */
  readonly remarks: readonly string[];
}

/** @returns the Markdown of the main tables, for the terminal */
export async function writeBenchOutput(folder: string, output: BenchOutput): Promise<string> {
  const { results, title, matrices, remarks } = output;
  const claims = checkClaims(results);
  const tables = [...benchTables(results), claimsTable(claims, results.scores)];
  // As a whole: a table of an earlier state must not stay beside this one's.
  const fill = async (temporary: string) => {
    for (const table of tables) await writeFileAtomic(join(temporary, `${table.id}.csv`), tableCsv(table));
  };
  await writeFolderAtomic(join(folder, 'tables'), fill, { replace: true });
  await writeFileAtomic(join(folder, 'matrices.json'), matrices);
  await writeJsonFile(join(folder, 'tuning.json'), results.tuned);
  await writeJsonFile(join(folder, 'claims.json'), { bench: title, scores: results.scores, claims });
  const parts = [
    `# Bench ${markdownText(title)}`,
    ...remarks.map(markdownText),
    ...tables.map(tableMarkdown),
  ];
  await writeFileAtomic(join(folder, 'report.md'), `${parts.join('\n\n')}\n`);
  await writeFileAtomic(join(folder, 'tables.tex'), `${tables.map(tableLatex).join('\n\n')}\n`);
  await writeFileAtomic(join(folder, 'index.html'), benchDocument({ title, results, tables }));
  return tables
    .filter(({ id }) => id.startsWith('table1-'))
    .map(tableMarkdown)
    .join('\n\n');
}
