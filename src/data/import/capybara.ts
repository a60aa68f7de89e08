/**
 * Capybara-Preferences [argilla/Capybara-Preferences, one Parquet file, 15.4 thousand rows, train only]: two
 * conversations that differ in their last answer, each rated by a model:
 *   {source, chosen: [{role, content}], rejected: [{role, content}], chosen_rating, rejected_rating, chosen_model, ...}
 * The prompt is everything before the last message, so a row may have several turns. Rows whose two ratings are
 * equal prefer nothing and are left out.
 *
 * Checked: file names, size and row count against the Hub's pages; the fields are from knowledge of the set and
 * of its filtered sibling's page. The benchmark's rows are not at hand, so nothing is known of their layout or
 * number, and both forms are the same; 3,000 and 1,000 rows, as hh-rlhf has them, are a guess.
 */

import { numberOf } from '../formats/format.ts';
import { type Fields, InvalidRow } from '../invalid-row.ts';
import type { Importer } from './importer.ts';

export const capybara: Importer = {
  name: 'capybara',
  hub: 'argilla/Capybara-Preferences',
  description:
    'train-*.parquet; the conversation with the higher rating is chosen, equal ratings are left out',
  counts: 'unknown; train=3000,test=1000 is a guess',
  recognise: (fields) =>
    Array.isArray(fields['chosen']) && 'chosen_rating' in fields && 'rejected_rating' in fields,
  row(fields) {
    const { chosen, rejected } = fields;
    const [better, worse] = [rating(fields, 'chosen_rating'), rating(fields, 'rejected_rating')];
    if (better === worse)
      throw new InvalidRow('rejected_rating', 'equal ratings: neither answer is preferred');
    return better > worse ? { chosen, rejected } : { chosen: rejected, rejected: chosen };
  },
};

function rating(fields: Fields, name: string): number {
  const value = numberOf(fields[name]);
  if (value === undefined) throw new InvalidRow(name, 'expected a number');
  return value;
}
