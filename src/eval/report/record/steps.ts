/** steps.jsonl, a line for each optimizer step. */
import { existsSync } from 'node:fs';
import { parseJson, readTextFile } from '../../../support/json.ts';
import { checked } from '../../run-file.ts';
import { type Step, stepLine } from './files.ts';

/**
 * Empty where there is no such file.
 * @throws {DataError} with the line of what no run writes.
 */
export async function readSteps(file: string): Promise<Step[]> {
  if (!existsSync(file)) return [];
  const lines = (await readTextFile(file)).split('\n');
  // A run at work, or killed, may have written half a line; a whole one ends with a line break.
  return lines.slice(0, -1).map((line, at) => checked(stepLine, parseJson(line, file, at + 1), file, at + 1));
}
