/**
 * The paper's claims in REPRODUCIBILITY.md, from benches' recorded results.
 *
 *     npm run make:claims [-- NAME=BENCH...]
 *
 * With arguments it first keeps what a bench's folder holds as results/NAME: matrices, choices, tables and claims, no
 * rows. Without results a claim is not run.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeFolder, writeFileAtomic } from '../../src/support/atomic-file.ts';
import { claimsSection, RESULTS, recordedClaims, withSection } from './claims-section.ts';

const document = fileURLToPath(new URL('../../REPRODUCIBILITY.md', import.meta.url));

/** Of a bench's folder. */
const KEPT = ['matrices.json', 'tuning.json', 'claims.json', 'report.md'];

for (const argument of process.argv.slice(2)) {
  const [, name, folder] = /^([a-z0-9-]+)=(.+)$/.exec(argument) ?? [];
  if (name === undefined || folder === undefined) throw new Error(`${argument}: expected NAME=BENCH`);
  await makeFolder(join(RESULTS, name));
  for (const file of KEPT) await copyFile(join(folder, file), join(RESULTS, name, file));
}

const section = claimsSection(await recordedClaims());
await writeFileAtomic(document, withSection(await readFile(document, 'utf8'), section));
