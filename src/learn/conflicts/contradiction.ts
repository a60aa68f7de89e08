/** When two pairs contradict each other, given how alike their prompts and responses are. */
import type { PreferenceRow } from '../../data/row.ts';

/** The texts of a row that are compared. */
export interface RowTexts {
  /** The whole conversation, each turn with its role. */
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
}

export function textsOf({ prompt, chosen, rejected }: PreferenceRow): RowTexts {
  const only = prompt.length === 1 && prompt[0]!.role === 'user' ? prompt[0]! : null;
  const conversation = only?.content ?? prompt.map(({ role, content }) => `${role}: ${content}`).join('\n');
  return { prompt: conversation, chosen, rejected };
}

/** From 0 to 1, or by cosine to -1. */
export type Similarity = (one: keyof RowTexts, other: keyof RowTexts) => number;

export interface Thresholds {
  /** Least similarity of the prompts. */
  readonly prompt: number;
  /** Least similarity of each response to the other pair's response of the opposite label. */
  readonly response: number;
}

/** How alike two contradicting pairs are. */
export interface Match {
  /** Of the prompts. */
  readonly prompt: number;
  /** Of the responses crosswise, the lesser of the two. */
  readonly response: number;
}

/**
 * How alike a new pair and an earlier one with its labels exchanged are; null where they do not contradict each
 * other. That takes nearly one prompt, and that what one pair prefers the other rejects and the other way round: a
 * pair (b over c) does not contradict (a over b). Responses that resemble each other within a pair could be matched
 * either way; the better match decides.
 *
 * @param similarity of a text of the new pair and a text of the earlier one
 */
export function contradiction(similarity: Similarity, thresholds: Thresholds): Match | null {
  const prompt = similarity('prompt', 'prompt');
  if (!(prompt >= thresholds.prompt)) return null;
  const response = Math.min(similarity('chosen', 'rejected'), similarity('rejected', 'chosen'));
  if (!(response >= thresholds.response)) return null;
  const kept = Math.min(similarity('chosen', 'chosen'), similarity('rejected', 'rejected'));
  return response > kept ? { prompt, response } : null;
}
