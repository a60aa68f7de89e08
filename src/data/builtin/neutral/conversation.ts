/** What neutral conversations are made of. */
import type { Message } from '../../row.ts';

/** A conversation up to the assistant's turn, and that turn. */
export interface Conversation {
  readonly messages: readonly Message[];
  readonly answer: string;
}

/** One question and its answer. */
export function exchange(query: string, answer: string): Conversation {
  return { messages: [{ role: 'user', content: query }], answer };
}
