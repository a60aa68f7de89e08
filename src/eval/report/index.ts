/**
 * A report of one run or several: a page to look at, and every table as Markdown and CSV. Made of what the runs left
 * in their folders, and of the test files for prompts and reference answers, so that it can be made again at any
 * time; equal folders and files give equal bytes.
 */
import { join } from 'node:path';
import { makeFolder, writeFileAtomic, writeFolderAtomic } from '../../support/atomic-file.ts';
import { htmlDocument } from './page/document.tsx';
import { gatherReport, type NamedFolder, type Report, type ReportOptions } from './report.ts';
import { tableCsv, tableMarkdown } from './tables/text.ts';

export type { NamedFolder, ReportOptions } from './report.ts';

/**
 * Writes `index.html`, `report.md` and `tables/<id>.csv` into `folder`, which is made where it is missing.
 *
 * @param named runs to compare, over the same tasks and test rows; several of one name differ in their seed
 * @returns the page's path
 * @throws {UserError} for what is no run or cannot be compared; {DataError} for a broken file of a run
 */
export async function writeReport(
  named: readonly NamedFolder[],
  folder: string,
  options: ReportOptions = {},
): Promise<string> {
  const report = await gatherReport(named, options);
  const page = join(folder, 'index.html');
  await makeFolder(folder);
  // As a whole: a table of an earlier report must not stay beside this one's.
  const fill = async (temporary: string) => {
    for (const table of report.tables) {
      await writeFileAtomic(join(temporary, `${table.id}.csv`), tableCsv(table));
    }
  };
  await writeFolderAtomic(join(folder, 'tables'), fill, { replace: true });
  await writeFileAtomic(join(folder, 'report.md'), markdown(report));
  await writeFileAtomic(page, htmlDocument(report));
  return page;
}

function markdown({ tables }: Report): string {
  return `${['# LifeAlign report', ...tables.map(tableMarkdown)].join('\n\n')}\n`;
}
