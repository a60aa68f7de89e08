/** What turns another program's record of feedback into ours; one file for each program. */
import type * as z from 'zod';
import type { FeedbackRequest } from '../request.ts';

export interface Imported {
  /** Of the feedback where it came from: importing it again stores it once. */
  readonly id: string;
  /** Not yet checked against the schema. */
  readonly request: { readonly [Key in keyof FeedbackRequest]?: unknown };
}

/** What a record cannot say by itself. */
export interface ImportSettings {
  /** Numbers from this on are a thumb up, smaller ones a thumb down. */
  readonly upFrom?: number;
  /** What was asked and answered, by the id of a trace or observation. */
  readonly traces?: ReadonlyMap<string, Exchange>;
  /** Names of fields and questions, by the part that they play. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** What a piece of feedback is about, as far as it can be told. */
export interface Exchange {
  /** A text or a list of messages; null where it is neither. */
  readonly prompt: unknown;
  readonly answer: string | null;
  /** Whose it was. */
  readonly person: string | null;
}

export interface FeedbackImporter {
  readonly name: string;
  readonly describes: string;
  /** Settings that reach something here. */
  readonly takes: readonly (keyof ImportSettings)[];
  /** Whether a file that begins with this record is one of these. */
  recognises(record: unknown): boolean;
  /** What it says, piece by piece; a text: why nothing can be taken from that piece, beginning with its field. */
  read(record: unknown, settings: ImportSettings): readonly (Imported | string)[];
}

/** A thumb up or down; or, as an object, why it cannot be told. */
export function thumbOf(value: number, { upFrom }: ImportSettings): 'up' | 'down' | { problem: string } {
  if (upFrom !== undefined) return value >= upFrom ? 'up' : 'down';
  // 1 is the best of two and the worst of five.
  return { problem: `${value}: from which number on is it good? Say it with --up-from` };
}

/** The first thing that is wrong with a record, beginning with its field. */
export function problemOf({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.')}: ${issue?.message}`;
}
