/** Two transcripts of the same conversation with different last answers. [Bai et al. 2022, arXiv:2204.05862; Anthropic/hh-rlhf] */
import { type Format, has, onePair } from './format.ts';
import { isTranscript, splitTranscripts } from './transcript.ts';

export const hhRlhf: Format = {
  name: 'hh-rlhf',
  description: '{chosen, rejected}: transcripts "Human: ... Assistant: ..."; Anthropic',
  recognise(fields) {
    const { chosen, rejected } = fields;
    if (has(fields, 'prompt') || has(fields, 'query') || !isTranscript(chosen) || !isTranscript(rejected))
      return undefined;
    return '"chosen" and "rejected" are transcripts of Human and Assistant';
  },
  read: ({ chosen, rejected }) => onePair(splitTranscripts(chosen, rejected)),
};
