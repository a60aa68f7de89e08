/**
 * Generation against transformers: the committed values made afresh, and SmolLM2 with and without an adapter.
 * Needs Python; the first run installs torch.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { openModel } from '../../src/model/resolve.ts';
import { encodePrompt } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { runOracle } from './environment.ts';
import { compareGreedy, type ExpectedAnswer, type ExpectedGenerations } from './generation-comparison.ts';

const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));
const QUESTIONS = [
  'What is the capital of France?',
  'Write a short poem about the sea.',
  'Explain photosynthesis to a child, in three sentences, without long words.',
  'Name five animals.',
];

/** In float32 two programs' logits of SmolLM2 differ by less. */
const TIE = 2e-3;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-generation-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('tiny models', () => {
  it('give what the committed file says', async () => {
    const [models, fresh] = [join(folder, 'models'), join(folder, 'generations.json')];
    await runOracle('make_tiny_models.py', models);
    await runOracle('make_generations.py', models, fresh);
    const [made, committed] = await Promise.all(
      [fresh, join(FIXTURES, 'generations.json')].map(
        async (file): Promise<ExpectedGenerations> => JSON.parse(await readFile(file, 'utf8')),
      ),
    );
    const tokens = (all: ExpectedGenerations) =>
      all.greedy.map(({ answers }) => answers.map((answer) => answer.tokens));
    expect(tokens(made as ExpectedGenerations)).toEqual(tokens(committed as ExpectedGenerations));
    expect(made?.sampling.length).toBe(committed?.sampling.length);
    made?.sampling.forEach(({ probabilities }, at) => {
      probabilities.forEach((value, token) => {
        expect(value).toBeCloseTo(committed?.sampling[at]?.probabilities[token] as number, 6);
      });
    });
  });
});

describe('SmolLM2-135M-Instruct', () => {
  it('answers as transformers does', async ({ skip }) => {
    const model = await openModel('smollm2-135m-instruct').catch((error: Error) => error.message);
    if (typeof model === 'string') return skip(`the model is not at hand: ${model}`);
    const text = await loadTextModel(model.path);
    const prompts = QUESTIONS.map((content) => [...encodePrompt([{ role: 'user', content }], text)]);
    const [given, output] = [join(folder, 'prompts.json'), join(folder, 'smollm2')];
    await writeFile(given, JSON.stringify(prompts));
    await runOracle('make_generations.py', '--real', model.path, given, output);
    const expected: { adapter: string | null; answers: ExpectedAnswer[] }[] = JSON.parse(
      await readFile(join(output, 'generations.json'), 'utf8'),
    );
    const engine = await createOrtEngine(model);
    try {
      for (const { adapter, answers } of expected) {
        const policy = adapter === null ? null : await readPeftAdapter(join(output, adapter));
        const compared = await compareGreedy(engine, policy, answers, TIE);
        const whole = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
        process.stderr.write(`  adapter ${adapter}: ${compared} of ${whole} tokens before a near-tie\n`);
        expect(compared).toBeGreaterThan(whole / 2);
      }
    } finally {
      await engine.close();
    }
  });
});
