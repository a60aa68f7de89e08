/**
 * What was measured, in README.md and REPRODUCIBILITY.md: numbers come from the recorded history and are not typed.
 *
 *     npm run make:figures
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../src/support/atomic-file.ts';
import { figuresSections } from './shared/figures-sections.ts';
import { readHistory } from './shared/history.ts';

for (const [name, write] of Object.entries(figuresSections(await readHistory()))) {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  await writeFileAtomic(file, write(await readFile(file, 'utf8')));
}
