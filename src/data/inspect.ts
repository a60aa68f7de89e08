/** What a file of preference rows holds, told before anything is trained on it: `data check`. */
import { countDuplicates } from './overlap.ts';
import { type PromptKind, parsePreferenceRow } from './parse-row.ts';
import { type SkippedRow, skippedRow } from './read-rows.ts';
import { type RecordFile, readRecords } from './records.ts';
import type { PreferenceRow } from './row.ts';

/** Nearest-rank quantiles of a list of lengths. */
export interface LengthSummary {
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export interface FileInspection {
  readonly format: RecordFile['format'];
  readonly sha256: string;
  /** All rows of the file, invalid ones included. */
  readonly count: number;
  readonly rows: readonly PreferenceRow[];
  readonly invalid: readonly SkippedRow[];
  /** How many valid rows give their prompt in which form. */
  readonly prompts: Readonly<Record<PromptKind, number>>;
  /** Valid rows beyond the first with the same prompt, and with the same prompt and responses. */
  readonly duplicates: { readonly prompts: number; readonly rows: number };
}

/** @throws {UserError} if the file cannot be read, is broken or holds no rows; invalid rows are listed. */
export async function inspectPreferenceFile(file: string): Promise<FileInspection> {
  const { format, sha256, records } = await readRecords(file);
  const rows: PreferenceRow[] = [];
  const invalid: SkippedRow[] = [];
  const prompts: Record<PromptKind, number> = { text: 0, messages: 0, implicit: 0 };
  for (const record of records) {
    const result = parsePreferenceRow(record.value, record.row - 1);
    if ('row' in result) {
      rows.push(result.row);
      prompts[result.promptKind]++;
    } else {
      invalid.push(skippedRow(record, result));
    }
  }
  return { format, sha256, count: records.length, rows, invalid, prompts, duplicates: countDuplicates(rows) };
}

/** Null for an empty list. */
export function summariseLengths(lengths: readonly number[]): LengthSummary | null {
  if (lengths.length === 0) return null;
  const sorted = [...lengths].sort((a, b) => a - b);
  const quantile = (share: number): number =>
    sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
  return { min: quantile(0), p50: quantile(0.5), p90: quantile(0.9), p99: quantile(0.99), max: quantile(1) };
}
