/** What a report wrote, read back. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A CSV table as rows by column title. */
export function readTable(report: string, id: string): Record<string, string>[] {
  const [head = [], ...rows] = parseCsv(readFileSync(join(report, 'tables', `${id}.csv`), 'utf8'));
  return rows.map((row) => Object.fromEntries(head.map((title, at) => [title, row[at] ?? ''])));
}

/** [RFC 4180], field by field. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let fields: string[] = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/gy;
  for (const [, quoted, plain = '', end] of text.matchAll(pattern)) {
    fields.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(fields);
    fields = [];
  }
  return rows;
}

/** Every file below the folder, by path. */
export function readFolder(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')];
    }),
  );
}
