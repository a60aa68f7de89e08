/** One of the paper's public data sets in its published form, and how its records become rows. */
import type { Fields } from '../invalid-row.ts';

/**
 * `chat`: what a chat model should see, conversations as messages and one answer against one.
 * `paper`: the layout of the benchmark's own rows, which the data sets' headers describe.
 */
export const forms = ['chat', 'paper'] as const;
export type Form = (typeof forms)[number];

export interface Importer {
  readonly name: string;
  readonly hub: string;
  /** The published files, and what of them becomes chosen and rejected. */
  readonly description: string;
  /** Rows of the benchmark's splits, where they are known. */
  readonly counts: string;
  readonly recognise: (fields: Fields) => boolean;
  /**
   * A raw row {prompt, chosen, rejected}, still to be checked.
   * @throws {InvalidRow} for a record that lacks a field or prefers nothing.
   */
  readonly row: (fields: Fields, form: Form) => Fields;
}
