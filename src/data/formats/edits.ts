/** Answers that somebody improved: {prompt, original, edited}. What was edited is preferred to what it was. */
import { type Format, has, onePair, promptField } from './format.ts';

export const edits: Format = {
  name: 'edits',
  description: '{prompt, original, edited}: the edited answer is preferred',
  recognise(fields) {
    if (!has(fields, 'original', 'edited') || !(has(fields, 'prompt') || has(fields, 'query')))
      return undefined;
    return '"original" and "edited" beside a prompt';
  },
  read: (fields) =>
    onePair({ prompt: promptField(fields), chosen: fields['edited'], rejected: fields['original'] }),
  names: { chosen: 'edited', rejected: 'original' },
};
