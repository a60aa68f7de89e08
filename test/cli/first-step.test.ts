/** `lifealign train` takes the first step that transformers, PEFT and torch autograd say it must. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, it } from 'vitest';
import { compareFirstSteps, type ExpectedFirstStep } from '../parity/first-step.ts';

const FIXTURES = fileURLToPath(new URL('../parity/fixtures/', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-first-step-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('logs loss, gradient norm, log-probs and rewards of the oracle for gamma 0, 2 and 5', async () => {
  const expected = JSON.parse(await readFile(join(FIXTURES, 'expected', 'first-step.json'), 'utf8'));
  await compareFirstSteps(join(FIXTURES, 'models'), expected as ExpectedFirstStep, folder);
});
