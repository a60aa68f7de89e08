/** What a file of preference rows holds, told before anything is trained on it: `data check`. Texts are not kept. */
import { isProblem } from './invalid-row.ts';
import { promptKey } from './overlap.ts';
import type { PromptKind } from './parse-row.ts';
import type { PreferenceRow } from './row.ts';
import type { RowStream, SkippedRow, StreamSummary } from './row-stream.ts';
import { type LengthSummary, Numbers, summariseLengths, textNumber } from './tally.ts';

export interface FileInspection {
  readonly sha256: string;
  /** Rows that are valid. */
  readonly valid: number;
  readonly invalid: readonly SkippedRow[];
  readonly summary: StreamSummary;
  /** How many valid rows give their prompt in which form. */
  readonly prompts: Readonly<Record<PromptKind, number>>;
  /** Valid rows beyond the first with the same prompt, and with the same prompt and responses. */
  readonly duplicates: { readonly prompts: number; readonly rows: number };
  readonly characters: Readonly<Record<'prompt' | 'chosen' | 'rejected', LengthSummary | null>>;
  readonly preview: readonly PreferenceRow[];
}

export interface InspectOptions {
  /** So many rows are kept for show. */
  readonly preview: number;
  /** Shown every batch of valid rows, to measure more of them; what it refuses is told as invalid. */
  readonly onRows?: (rows: readonly PreferenceRow[]) => readonly SkippedRow[];
}

/** @throws {UserError} if the file is broken or holds no records; invalid rows are listed. */
export async function inspectRows(
  stream: RowStream<PreferenceRow>,
  { preview, onRows = () => [] }: InspectOptions,
): Promise<FileInspection> {
  const invalid: SkippedRow[] = [];
  const shown: PreferenceRow[] = [];
  const prompts: Record<PromptKind, number> = { text: 0, messages: 0, implicit: 0 };
  const lengths = { prompt: new Numbers(), chosen: new Numbers(), rejected: new Numbers() };
  const keys = { prompts: new Numbers(), rows: new Numbers() };
  for await (const batch of stream.results) {
    const rows: PreferenceRow[] = [];
    for (const result of batch) {
      if (isProblem(result)) {
        invalid.push(result);
        continue;
      }
      const { row, promptKind } = result;
      rows.push(row);
      prompts[promptKind]++;
      if (shown.length < preview) shown.push(row);
      lengths.prompt.push(row.prompt.reduce((sum, { content }) => sum + content.length, 0));
      lengths.chosen.push(row.chosen.length);
      lengths.rejected.push(row.rejected.length);
      const key = promptKey(row);
      keys.prompts.push(textNumber(key));
      keys.rows.push(textNumber(JSON.stringify([key, row.chosen, row.rejected])));
    }
    invalid.push(...onRows(rows));
  }
  const { prompt, chosen, rejected } = lengths;
  return {
    sha256: await stream.sha256(),
    valid: prompt.count,
    invalid,
    summary: stream.summary(),
    prompts,
    duplicates: { prompts: keys.prompts.repeated(), rows: keys.rows.repeated() },
    characters: {
      prompt: summariseLengths(prompt),
      chosen: summariseLengths(chosen),
      rejected: summariseLengths(rejected),
    },
    preview: shown,
  };
}

/** What there is to say of a file in any case, as JSON. */
export function checkReport(
  { file, container, compressed, recognition }: RowStream<unknown>,
  { sha256, summary, valid, invalid, prompts, duplicates }: Omit<FileInspection, 'characters' | 'preview'>,
) {
  const { format, reason } = recognition;
  return {
    file,
    format: container,
    ...(compressed ? { compressed: 'gzip' } : {}),
    rows: format.name,
    recognised_by: reason,
    sha256,
    count: summary.records,
    valid,
    invalid,
    ...(summary.labels === null ? {} : { labels: summary.labels }),
    unused: summary.unused,
    prompts,
    duplicates,
  };
}
