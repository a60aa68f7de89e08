/** Rows asked twice: test prompts that training has seen, and duplicates within a file. */
import type { PreferenceRow, PromptRow } from './row.ts';

/**
 * How many test rows have a prompt that some training row has too, letter case, compatibility forms and
 * the amount of blank space aside. Such rows measure memory, not learning: callers warn with the count.
 */
export function countOverlap(train: readonly PromptRow[], test: readonly PromptRow[]): number {
  const seen = new Set(train.map((row) => promptKey(row)));
  return test.filter((row) => seen.has(promptKey(row))).length;
}

/** Rows beyond the first with the same prompt, and with the same prompt and responses. */
export function countDuplicates(rows: readonly PreferenceRow[]): { prompts: number; rows: number } {
  const prompts = new Set(rows.map((row) => promptKey(row)));
  const whole = new Set(rows.map((row) => JSON.stringify([promptKey(row), row.chosen, row.rejected])));
  return { prompts: rows.length - prompts.size, rows: rows.length - whole.size };
}

/** Equal for prompts that differ in letter case, compatibility forms and the amount of blank space only. */
export function promptKey(row: PromptRow): string {
  return JSON.stringify(row.prompt.map(({ role, content }) => [role, normalise(content)]));
}

function normalise(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
