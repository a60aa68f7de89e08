/**
 * HC3 [Hello-SimpleAI/HC3: all.jsonl, or one file per source; 24.3 thousand questions]: answers of people and of
 * ChatGPT to the same question, {question, human_answers: [text], chatgpt_answers: [text], source}.
 * Human answers are preferred (the paper's kind "human preference").
 *
 * chat:  the first human answer that says something against the first such one of ChatGPT.
 * paper: all answers of each side, a line break between them; questions without an answer of ChatGPT have an
 *        empty rejected response there (14 of the 1,000 test rows) and are left out here.
 *
 * Checked against the benchmark's 1,000 test rows: which side is chosen, several human answers joined by line
 * breaks, questions untouched, empty sides. The fields: against several programs that read the set. How the
 * benchmark drew its rows is unknown; so is the number of its training rows.
 */

import { listField } from '../formats/format.ts';
import { type Fields, InvalidRow } from '../invalid-row.ts';
import type { Form, Importer } from './importer.ts';

export const hc3: Importer = {
  name: 'hc3',
  hub: 'Hello-SimpleAI/HC3',
  description: "all.jsonl, or the file of a source; the human answer is chosen, ChatGPT's rejected",
  counts: 'train unknown (3000 is a guess), test=1000',
  recognise: (fields) => 'human_answers' in fields && 'chatgpt_answers' in fields,
  row: (fields, form) => ({
    prompt: fields['question'],
    chosen: answer(fields, 'human_answers', form),
    rejected: answer(fields, 'chatgpt_answers', form),
  }),
};

function answer(fields: Fields, name: string, form: Form): string {
  const texts = listField(fields, name).map((text, at) => {
    if (typeof text === 'string') return text;
    throw new InvalidRow(`${name}[${at}]`, 'expected a text');
  });
  return form === 'paper' ? texts.join('\n') : (texts.find((text) => text.trim() !== '') ?? '');
}
