/**
 * What code decides a run's numbers. A published package is named by its version; in a checkout, whose version
 * stays while its sources change, it is the sources themselves, up to the layer that trains.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../support/hash.ts';
import { packageFolder, version } from '../support/version.ts';

const DECISIVE = [
  'support',
  'tensor',
  'data',
  'text',
  'objective',
  'model',
  'engine',
  'optim',
  'memory',
  'method',
  'eval',
  'train',
];

/** For people, too: `0.1.0` or `0.1.0 with sources 1f0c2ab9`. */
export async function codeIdentity(): Promise<string> {
  const sources = join(packageFolder, 'src');
  if (!existsSync(sources)) return version;
  const names = await Promise.all(
    DECISIVE.map(async (layer) => {
      const entries = await readdir(join(sources, layer), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    }),
  );
  const files = names.flat().sort();
  const contents = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const hash = sha256(files.flatMap((file, at) => [file.slice(sources.length), contents[at]!]));
  return `${version} with sources ${hash.slice(0, 8)}`;
}
