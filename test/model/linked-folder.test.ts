/** A model folder of links, the layout of the Hugging Face download cache, through the engine. */
import { copyFileSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { useTemporaryCache } from './temporary-cache.ts';
import { randomRows } from './tiny.ts';

const temporary = useTemporaryCache();
const TINY = join(import.meta.dirname, '..', 'parity', 'fixtures', 'models', 'untied-gqa');

it('a folder whose files are links to blobs scores like the files themselves', async () => {
  const blobs = join(temporary(), 'blobs');
  const snapshot = join(temporary(), 'snapshots', '0123');
  mkdirSync(blobs);
  mkdirSync(snapshot, { recursive: true });
  for (const [number, name] of readdirSync(TINY).entries()) {
    if (name === 'adapters') continue;
    copyFileSync(join(TINY, name), join(blobs, `blob${number}`));
    symlinkSync(join('..', '..', 'blobs', `blob${number}`), join(snapshot, name));
  }
  const score = async (folder: string) => {
    const model = await openModelFolder(folder);
    const engine = await createOrtEngine(model);
    try {
      return await engine.score(randomRows([[5, 3, 4]], model.config.vocabularySize, 1), null);
    } finally {
      await engine.close();
    }
  };
  expect(await score(snapshot)).toEqual(await score(TINY));
});
