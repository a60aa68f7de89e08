/** The claims in REPRODUCIBILITY.md are those that the recorded results give. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { withSection } from '../../bench/shared/section.ts';
import { CLAIMS, claimsSection, recordedClaims } from '../../experiments/paper/claims-section.ts';
import { allClaims } from '../../src/bench/results/claims.ts';

const document = readFileSync(fileURLToPath(new URL('../../REPRODUCIBILITY.md', import.meta.url)), 'utf8');

it('stands as `npm run make:claims` writes it', async () => {
  expect(withSection(document, CLAIMS, claimsSection(await recordedClaims()))).toBe(document);
});

it('has a line for each claim, and says of each bench that was not run that it was not', () => {
  const [claim, ...others] = allClaims();
  const finding = { state: 'verified', detail: '5.0 [1.0, 9.0]' } as const;
  const claims = [
    {
      ...claim!,
      findings: { preference_accuracy: finding, judge: { state: 'not run', detail: '' } as const },
    },
  ];
  const lines = claimsSection([{ name: 'tiny', scores: ['preference_accuracy', 'judge'], claims }]).split(
    '\n',
  );
  expect(lines[2]).toMatch(
    /\| preference accuracy: verified \(5\.0 \\\[1\.0, 9\.0\\\]\); judge: not run \| not run +\|$/,
  );
  for (const at of others.keys()) expect(lines[at + 3]).toMatch(/\| not run +\| not run +\|$/);
});

it('needs its place in the document', () => {
  expect(() => withSection('# No marks', CLAIMS, '')).toThrow('claims');
});
