/**
 * hh-rlhf [Anthropic/hh-rlhf: harmless-base and helpful-base, train.jsonl.gz and test.jsonl.gz each]: two
 * transcripts, {chosen, rejected}, "\n\nHuman: ...\n\nAssistant: ...", that differ in the last answer.
 *
 * chat:  messages; the answers are the last Assistant turns, whole.
 * paper: the benchmark's rows, made by parting each transcript at blank lines: the last piece of either is the
 *        response, the other pieces of the chosen one, a line break between them, are the query. "Human:" and
 *        "Assistant:" stay in the texts. Where an answer has a blank line inside, only its last paragraph is left,
 *        and what came before of the chosen one stands in the query: a defect of the benchmark that this form
 *        keeps (4 to 10 % of its rows).
 *
 * Checked against the benchmark's 8,000 rows: the two forms agree on every row whose transcripts can be put
 * together again. Which 3,000 and 1,000 rows of the published files the benchmark took is unknown.
 */

import { isTranscript, splitTranscripts } from '../formats/transcript.ts';
import type { Fields } from '../invalid-row.ts';
import { InvalidRow } from '../invalid-row.ts';
import type { Importer } from './importer.ts';

export const harmlessBase = part('harmless-base', 'the less harmful answer');
export const helpfulBase = part('helpful-base', 'the more helpful answer');

function part(name: string, preferred: string): Importer {
  return {
    name: `hh-rlhf-${name}`,
    hub: 'Anthropic/hh-rlhf',
    description: `${name}/train.jsonl.gz, ${name}/test.jsonl.gz; ${preferred} is chosen`,
    counts: 'train=3000, test=1000',
    recognise: ({ chosen, rejected }) => isTranscript(chosen) && isTranscript(rejected),
    row: (fields, form) =>
      form === 'chat' ? splitTranscripts(fields['chosen'], fields['rejected']) : paragraphs(fields),
  };
}

function paragraphs(fields: Fields): Fields {
  const [chosen, rejected] = ['chosen', 'rejected'].map((name) => {
    const text = fields[name];
    if (!isTranscript(text)) throw new InvalidRow(name, 'expected a transcript of Human and Assistant');
    return text.trim().split('\n\n');
  }) as [string[], string[]];
  return { prompt: chosen.slice(0, -1).join('\n'), chosen: chosen.at(-1), rejected: rejected.at(-1) };
}
