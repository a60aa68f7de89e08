/** Models that come with the package: always there, nothing to pull. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const packageFolder = dirname(createRequire(import.meta.url).resolve('lifealign/package.json'));

/** Folders by name. */
export const embeddedModels: ReadonlyMap<string, string> = new Map([
  ['tiny', join(packageFolder, 'models', 'tiny')],
]);
