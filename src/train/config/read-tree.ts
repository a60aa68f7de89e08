/** A YAML file of settings as a mapping: the first step of every config's way, before any schema sees it. */
import { LineCounter, parseDocument } from 'yaml';
import { DataError } from '../../support/errors.ts';
import { readTextFile } from '../../support/json.ts';
import { type ConfigTree, isTree, yamlValue } from './overrides.ts';

/**
 * An empty file is an empty mapping.
 * @param expected ends the message for a file that is no mapping: `a mapping of keys such as base`
 * @throws {UserError} naming the file, and the line of broken YAML.
 */
export async function readConfigTree(file: string, expected: string): Promise<ConfigTree> {
  const lineCounter = new LineCounter();
  const document = parseDocument(await readTextFile(file), { lineCounter, prettyErrors: false });
  const broken = document.errors[0];
  if (broken) {
    const { line } = lineCounter.linePos(broken.pos[0]);
    throw new DataError({ file, line }, `invalid YAML: ${broken.message}`);
  }
  const tree = yamlValue(document, (problem) => new DataError({ file }, problem)) ?? {};
  if (!isTree(tree)) throw new DataError({ file }, `expected ${expected}`);
  return tree;
}
