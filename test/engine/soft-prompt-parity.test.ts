/** Soft prompts in the embedded engine against recorded values of transformers and torch autograd. */
import { fileURLToPath } from 'node:url';
import { it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { compareSoftPrompts, readSoftPrompts } from '../parity/soft-prompt-comparison.ts';

const FIXTURES = new URL('../parity/fixtures/', import.meta.url);
const expected = readSoftPrompts(new URL('soft-prompts.json', FIXTURES));

it.each(Object.keys(expected))('%s', async (name) => {
  const model = await openModelFolder(fileURLToPath(new URL(`models/${name}`, FIXTURES)));
  const engine = await createOrtEngine(model, { threads: 1 });
  try {
    await compareSoftPrompts(engine, model, expected[name]!);
  } finally {
    await engine.close();
  }
});
