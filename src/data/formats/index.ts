/** The shapes that files of preferences come in. */
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { alpaca } from './alpaca.ts';
import { edits } from './edits.ts';
import type { Format } from './format.ts';
import { hhRlhf } from './hh-rlhf.ts';
import { implicitText } from './implicit-text.ts';
import { openai } from './openai.ts';
import { preference } from './preference.ts';
import { ratings } from './ratings.ts';
import { sharegpt } from './sharegpt.ts';
import { unpaired } from './unpaired.ts';

export const formats: readonly Format[] = [
  preference,
  hhRlhf,
  alpaca,
  sharegpt,
  openai,
  ratings,
  unpaired,
  edits,
  implicitText,
];

/** @throws {UserError} naming those there are. */
export function findFormat(name: string): Format {
  const found = formats.find((format) => format.name === name);
  if (found) return found;
  const names = formats.map((format) => format.name);
  throw new UserError(
    `--format ${name}: no such format; there are ${names.join(', ')}.${didYouMean(name, names)}`,
  );
}
