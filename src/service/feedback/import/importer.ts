/** What turns another program's record of feedback into ours; one file for each program. */
import type { FeedbackRequest } from '../request.ts';

export interface Imported {
  /** Of the record where it came from: importing it again stores it once. */
  readonly id: string;
  /** Not yet checked against the schema. */
  readonly request: { readonly [Key in keyof FeedbackRequest]?: unknown };
}

export interface FeedbackImporter {
  readonly name: string;
  readonly describes: string;
  /** Whether a file that begins with this record is one of these. */
  recognises(record: unknown): boolean;
  /** What it says; a text: why nothing can be taken from it. */
  read(record: unknown): Imported | string;
}
