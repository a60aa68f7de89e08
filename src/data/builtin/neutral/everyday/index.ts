/** Everyday conversations of a shop and its content work that have nothing to do with any built-in task. */
import type { Random } from '../../../../support/random.ts';
import { pick } from '../../grammar.ts';
import type { Conversation } from '../conversation.ts';
import { contentConversation } from './content.ts';
import { supportConversation } from './support.ts';

export function everydayConversation(random: Random): Conversation {
  return pick(random, [supportConversation, contentConversation])(random);
}
