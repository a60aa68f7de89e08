/** The paper's six public data sets, in the order of its first stream. */
import { UserError } from '../../support/errors.ts';
import { didYouMean } from '../../support/nearest-name.ts';
import { capybara } from './capybara.ts';
import { hc3 } from './hc3.ts';
import { harmlessBase, helpfulBase } from './hh-rlhf.ts';
import type { Importer } from './importer.ts';
import { safeRlhf } from './safe-rlhf.ts';
import { truthfulqa } from './truthfulqa.ts';

export const importers: readonly Importer[] = [
  capybara,
  hc3,
  harmlessBase,
  helpfulBase,
  safeRlhf,
  truthfulqa,
];

/** @throws {UserError} naming those there are. */
export function findImporter(name: string): Importer {
  const found = importers.find((importer) => importer.name === name);
  if (found) return found;
  const names = importers.map((importer) => importer.name);
  throw new UserError(`${name}: no such data set; there are ${names.join(', ')}.${didYouMean(name, names)}`);
}
