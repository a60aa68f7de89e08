/** Soft prompts and L2P's key term against transformers and torch: the committed values made afresh. Needs Python. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { expectSameNumbers } from './comparison.ts';
import { runOracle } from './environment.ts';
import { compareSoftPrompts, readSoftPrompts } from './soft-prompt-comparison.ts';

const COMMITTED = fileURLToPath(new URL('fixtures/soft-prompts.json', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-soft-prompts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('are what torch makes of them now, and what the engine finds', async () => {
  const [models, fresh] = [join(folder, 'models'), join(folder, 'soft-prompts.json')];
  await runOracle('make_tiny_models.py', models);
  await runOracle('make_soft_prompts.py', models, fresh);
  const made = readSoftPrompts(fresh);
  expectSameNumbers(JSON.parse(await readFile(COMMITTED, 'utf8')), made, 'soft-prompts.json');
  expect(Object.keys(made)).toHaveLength(3);
  for (const [name, expected] of Object.entries(made)) {
    const model = await openModelFolder(join(models, name));
    const engine = await createOrtEngine(model, { threads: 1 });
    await compareSoftPrompts(engine, model, expected).finally(() => engine.close());
  }
});
