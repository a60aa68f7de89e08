/**
 * Recorded values of the oracles outside this folder, made afresh: the fast tier compares our code with these files.
 * Needs Python; the first run installs torch.
 */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { expectSameNumbers } from './comparison.ts';
import { runOracle } from './environment.ts';

it.each([
  ['method/oracle/methods_torch.py', 'method/fixtures/methods.json'],
  ['memory/oracle/consolidate_numpy.py', 'memory/fixtures/consolidate.json'],
])('%s still writes %s', async (script, file) => {
  const committed = JSON.parse(await readFile(new URL(`../${file}`, import.meta.url), 'utf8'));
  const fresh = JSON.parse(await runOracle(`../${script}`));
  expect(Object.keys(fresh)).toEqual(Object.keys(committed));
  expectSameNumbers(committed, fresh, file);
});
