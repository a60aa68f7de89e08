/** Neutral conversations as rows of a file: what a policy's general ability is measured on. */
import { Random } from '../../../support/random.ts';
import type { Message } from '../../row.ts';
import type { Conversation } from './conversation.ts';
import { everydayConversation } from './everyday/index.ts';
import { generalConversations } from './general.ts';

/** `general` is for real models; `everyday` is in the words of the embedded base, whose corpus had such ones. */
export const neutralNames = ['general', 'everyday'] as const;
export type NeutralName = (typeof neutralNames)[number];

export interface NeutralRow {
  readonly prompt: readonly Message[];
  readonly response: string;
}

/** Drawn under the seed; the general ones are always the same. */
const everydayCount = 48;

export function neutralRows(name: NeutralName, seed: number): NeutralRow[] {
  const conversations = name === 'general' ? generalConversations : everyday(seed);
  return conversations.map(({ messages, answer }) => ({ prompt: messages, response: answer }));
}

function everyday(seed: number): Conversation[] {
  const random = Random.fromSeed(seed).fork('neutral everyday');
  return Array.from({ length: everydayCount }, (_, at) => everydayConversation(random.fork(`${at}`)));
}
