/**
 * Answers with a thumb up or down: {prompt, completion | answer | response, label} (TRL's unpaired preference) and
 * LlamaFactory's {instruction, input, output, kto_tag}. Losses here take pairs, KTO's too: an answer that is liked
 * makes a row with one to the same prompt that is not, each used once, in the order of the file; see pair-up.ts.
 */
import { type Fields, InvalidRow, shown } from '../invalid-row.ts';
import { alpacaPrompt } from './alpaca.ts';
import { type Format, firstOf, numberOf, promptField } from './format.ts';

const ANSWERS = ['completion', 'answer', 'response', 'output'];
const LABELS = ['label', 'kto_tag'];
const WORDS = new Map([
  ['true', true],
  ['false', false],
  ['up', true],
  ['down', false],
]);

export const unpaired: Format = {
  name: 'unpaired',
  description:
    '{prompt, completion or answer, label: true or false}; TRL unpaired preference, thumbs, LlamaFactory kto_tag',
  recognise(fields) {
    const [answer, label] = [firstOf(fields, ANSWERS), firstOf(fields, LABELS)];
    if (answer === undefined || label === undefined) return undefined;
    if (firstOf(fields, ['prompt', 'query', 'instruction']) === undefined) return undefined;
    return labelOf(fields[label]) === undefined ? undefined : `"${answer}" with a "${label}" of yes or no`;
  },
  read(fields) {
    const answer = firstOf(fields, ANSWERS) ?? 'completion';
    const label = firstOf(fields, LABELS) ?? 'label';
    const liked = labelOf(fields[label]);
    if (liked === undefined) {
      throw new InvalidRow(
        label,
        `expected true or false (or 1, 0, up, down), found ${shown(fields[label])}`,
      );
    }
    return { kind: 'labelled', fields: { prompt: promptOf(fields), response: fields[answer] }, liked };
  },
};

function promptOf(fields: Fields): unknown {
  const plain =
    firstOf(fields, ['prompt', 'query']) !== undefined || firstOf(fields, ['instruction']) === undefined;
  return plain
    ? promptField(fields)
    : alpacaPrompt(fields, { prompt: 'instruction', query: 'input', system: 'system', history: 'history' });
}

function labelOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && WORDS.has(value.toLowerCase())) return WORDS.get(value.toLowerCase());
  const number = numberOf(value);
  return number === 1 ? true : number === 0 ? false : undefined;
}
