/**
 * The paper's claims in REPRODUCIBILITY.md, from what benches recorded in results/. Where nothing is recorded a claim
 * is not run.
 *
 *     npm run make:claims
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { withSection } from '../../bench/shared/section.ts';
import { writeFileAtomic } from '../../src/support/atomic-file.ts';
import { CLAIMS, claimsSection, recordedClaims } from './claims-section.ts';

const document = fileURLToPath(new URL('../../REPRODUCIBILITY.md', import.meta.url));
const section = claimsSection(await recordedClaims());
await writeFileAtomic(document, withSection(await readFile(document, 'utf8'), CLAIMS, section));
