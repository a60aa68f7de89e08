/**
 * Accepted feedback as preference rows: the first step from the review queue to a task. Pairs and edits are rows as
 * they are; thumbs become rows by pairs of one prompt (data/pair-up.ts). What says the same is one row, and of what
 * contradicts each other the side that was said more often stays; with equal numbers neither does.
 */
import * as z from 'zod';
import { isProblem } from '../../data/invalid-row.ts';
import { promptKey } from '../../data/overlap.ts';
import { PairUp } from '../../data/pair-up.ts';
import { parsePreferenceRow } from '../../data/parse-row.ts';
import type { Message, PreferenceRow } from '../../data/row.ts';
import { rowContent } from '../../memory/store/rows.ts';
import { sha256 } from '../../support/hash.ts';
import { messagesOf } from '../chat/settings.ts';
import type { FeedbackTable } from '../store/tables.ts';

export type AcceptedFeedback = Pick<
  FeedbackTable,
  'id' | 'kind' | 'prompt' | 'answer' | 'chosen' | 'rejected' | 'rating' | 'content_hash'
>;

/**
 * What became of a piece: it makes a row; says what another one says; is outvoted; cannot be a row; or is a thumb that
 * waits for an answer to the same prompt rated the other way.
 */
export const OUTCOMES = ['row', 'duplicate', 'contradicted', 'unusable', 'unpaired'] as const;
export type FeedbackOutcome = (typeof OUTCOMES)[number];

export interface FeedbackRows {
  readonly rows: readonly Pick<PreferenceRow, 'prompt' | 'chosen' | 'rejected'>[];
  /** By the id of each piece. */
  readonly outcomes: ReadonlyMap<string, FeedbackOutcome>;
}

/**
 * By which thumbs on answers to one prompt find each other; null for what cannot be part of such a pair.
 * What is stored by it is found by it: another way to make it needs a migration that forgets those.
 */
export function promptHash(piece: Pick<AcceptedFeedback, 'prompt' | 'chosen' | 'rejected'>): string | null {
  if (piece.chosen !== null && piece.rejected !== null) return null;
  const prompt = promptOf(piece);
  return prompt === undefined ? null : sha256([promptKey({ index: 0, prompt })]);
}

/** Messages of which a prompt can be made, as clients send them. */
export const promptSchema = z.array(
  z.object({
    role: z.enum(['system', 'developer', 'user', 'assistant']),
    content: z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))]),
  }),
);

/** Pieces that say one thing: those that make the row, an edit or two thumbs, and those that say it again. */
interface Side {
  readonly row: PreferenceRow;
  readonly makers: readonly string[];
  readonly others: string[];
}

/** @param feedback in its order, which decides which of equal pieces makes the row */
export function rowsOfFeedback(feedback: readonly AcceptedFeedback[]): FeedbackRows {
  const outcomes = new Map<string, FeedbackOutcome>();
  const pairs = new Map<string, Side>();
  const add = (row: PreferenceRow, makers: readonly string[], others: readonly string[] = []) => {
    const side = pairs.get(rowContent(row));
    if (side) side.others.push(...makers, ...others);
    else pairs.set(rowContent(row), { row, makers, others: [...others] });
  };
  const thumbs: AcceptedFeedback[] = [];
  for (const piece of feedback) {
    if (piece.chosen === null || piece.rejected === null) {
      thumbs.push(piece);
      continue;
    }
    const row = parsePreferenceRow({ ...piece, prompt: promptOf(piece) }, pairs.size);
    if (isProblem(row)) outcomes.set(piece.id, 'unusable');
    else add(row.row, [piece.id]);
  }
  pairThumbs(thumbs, outcomes, add);
  const rows: PreferenceRow[] = [];
  for (const side of pairs.values()) {
    const { row, makers, others } = side;
    const opposite = pairs.get(rowContent({ ...row, chosen: row.rejected, rejected: row.chosen }));
    const stays = opposite === undefined || saidBy(side) > saidBy(opposite);
    if (stays) rows.push(row);
    for (const id of makers) outcomes.set(id, stays ? 'row' : 'contradicted');
    for (const id of others) outcomes.set(id, stays ? 'duplicate' : 'contradicted');
  }
  return { rows, outcomes };
}

function saidBy({ makers, others }: Side): number {
  return makers.length + others.length;
}

/** Ratings of one answer to one prompt. */
interface Rated {
  readonly prompt: readonly Message[];
  readonly answer: string;
  readonly up: string[];
  readonly down: string[];
}

function pairThumbs(
  thumbs: readonly AcceptedFeedback[],
  outcomes: Map<string, FeedbackOutcome>,
  add: (row: PreferenceRow, makers: readonly string[], others: readonly string[]) => void,
): void {
  const tell = (ids: readonly string[], outcome: FeedbackOutcome) => {
    for (const id of ids) outcomes.set(id, outcome);
  };
  // Prompts are equal where pairing takes them to be.
  const keyOf = (prompt: readonly Message[], answer: string) =>
    JSON.stringify([promptKey({ index: 0, prompt }), answer]);
  const answers = new Map<string, Rated>();
  for (const piece of thumbs) {
    const { id, answer, rating } = piece;
    const prompt = promptOf(piece);
    if (answer === null || rating === null || prompt === undefined) {
      outcomes.set(id, 'unusable');
      continue;
    }
    const key = keyOf(prompt, answer);
    const rated = answers.get(key) ?? { prompt, answer, up: [], down: [] };
    answers.set(key, rated);
    (rating > 0 ? rated.up : rated.down).push(id);
  }
  const pairing = new PairUp();
  let index = 0;
  for (const { prompt, answer, up, down } of answers.values()) {
    const liked = up.length > down.length;
    const even = up.length === down.length;
    tell(liked ? down : up, 'contradicted');
    tell(liked ? up : down, even ? 'contradicted' : 'unpaired');
    if (even) continue;
    const made = pairing.take({ prompt, response: answer }, liked, index++);
    if (made === undefined) continue;
    if (isProblem(made)) {
      tell(liked ? up : down, 'unusable');
      continue;
    }
    const { chosen, rejected } = made.row;
    const [first, ...likes] = answers.get(keyOf(prompt, chosen))!.up;
    const [second, ...dislikes] = answers.get(keyOf(prompt, rejected))!.down;
    add(made.row, [first!, second!], [...likes, ...dislikes]);
  }
}

/** As rows have prompts; undefined for messages that cannot be one. */
function promptOf({ prompt }: Pick<AcceptedFeedback, 'prompt'>): readonly Message[] | undefined {
  if (prompt === null) return undefined;
  const parsed = promptSchema.safeParse(JSON.parse(prompt));
  return parsed.success ? messagesOf({ messages: parsed.data }) : undefined;
}
