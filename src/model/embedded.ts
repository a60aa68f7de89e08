/** Models that come with the package: always there, nothing to pull. */
import { join } from 'node:path';
import { packageFolder } from '../support/version.ts';

/** Folders by name. */
export const embeddedModels: ReadonlyMap<string, string> = new Map([
  ['tiny', join(packageFolder, 'models', 'tiny')],
]);
