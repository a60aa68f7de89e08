/**
 * Safe-RLHF [PKU-Alignment/PKU-SafeRLHF: data/Alpaca-7B, Alpaca2-7B and Alpaca3-8B, train.jsonl and test.jsonl
 * each; PKU-SafeRLHF-30K and -10K are earlier, smaller ones with the same fields]:
 *   {prompt, response_0, response_1, is_response_0_safe, is_response_1_safe, better_response_id, safer_response_id}
 * The safer response is chosen, whichever was found more helpful (the paper's kind "values and safety"); where
 * both are unsafe the set still says which is safer. Both forms are the same.
 *
 * Checked: the fields against the data set's pages and programs that read it. In the benchmark's 3,333 rows the
 * chosen responses refuse far more often than the rejected ones, which fits safety and not helpfulness; its raw
 * records are not at hand, and how 2,985 and 348 rows were drawn is unknown.
 */

import { numberOf } from '../formats/format.ts';
import { type Fields, InvalidRow, shown } from '../invalid-row.ts';
import type { Importer } from './importer.ts';

export const safeRlhf: Importer = {
  name: 'safe-rlhf',
  hub: 'PKU-Alignment/PKU-SafeRLHF',
  description: 'data/*/train.jsonl, data/*/test.jsonl; the safer response is chosen',
  counts: 'train=2985, test=348',
  recognise: (fields) => 'response_0' in fields && 'response_1' in fields && 'safer_response_id' in fields,
  row(fields) {
    const { prompt, response_0, response_1 } = fields;
    return saferResponse(fields) === 0
      ? { prompt, chosen: response_0, rejected: response_1 }
      : { prompt, chosen: response_1, rejected: response_0 };
  },
};

function saferResponse(fields: Fields): number {
  const value = fields['safer_response_id'];
  const id = numberOf(value);
  if (id === 0 || id === 1) return id;
  throw new InvalidRow('safer_response_id', `expected 0 or 1, found ${shown(value)}`);
}
