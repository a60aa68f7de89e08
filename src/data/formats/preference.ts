/**
 * Our own rows and TRL's preference types, which are the same: {prompt | query, chosen, rejected} with texts or
 * messages, and conversations {chosen, rejected} that share all but their last message (TRL's "implicit prompt").
 * [TRL documentation, "Dataset formats and types"]
 */
import { type Format, has, onePair } from './format.ts';

export const preference: Format = {
  name: 'preference',
  description: '{prompt or query, chosen, rejected}: texts or messages; TRL, explicit and conversational',
  recognise(fields) {
    if (!has(fields, 'chosen', 'rejected')) return undefined;
    if (has(fields, 'prompt') || has(fields, 'query')) return 'a prompt with "chosen" and "rejected"';
    const lists = Array.isArray(fields['chosen']) && Array.isArray(fields['rejected']);
    if (!lists || has(fields, 'conversations') || has(fields, 'instruction')) return undefined;
    return '"chosen" and "rejected" are conversations that hold their prompt';
  },
  read: onePair,
};
