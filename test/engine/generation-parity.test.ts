/** The embedded engine against recorded answers of transformers, and sampling against its processors. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { distribution, penalise } from '../../src/engine/sampling.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { compareGreedy, type ExpectedGenerations } from '../parity/generation-comparison.ts';

const FIXTURES = new URL('../parity/fixtures/', import.meta.url);
const { greedy, sampling }: ExpectedGenerations = JSON.parse(
  readFileSync(new URL('generations.json', FIXTURES), 'utf8'),
);

describe('greedy answers are those of transformers', () => {
  it.each(greedy)('$model, adapter $adapter', async ({ model, adapter, answers }) => {
    const folder = fileURLToPath(new URL(`models/${model}`, FIXTURES));
    const engine = await createOrtEngine(await openModelFolder(folder), { threads: 1 });
    const policy = adapter === null ? null : await readPeftAdapter(`${folder}/adapters/${adapter}`);
    try {
      const whole = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
      expect(await compareGreedy(engine, policy, answers, 1e-4)).toBe(whole);
    } finally {
      await engine.close();
    }
  });
});

describe('what is left to draw from is what transformers leaves', () => {
  it.each(sampling)('$settings', ({ settings, seen, logits, probabilities }) => {
    const penalised = penalise(Float32Array.from(logits), seen, settings.repetitionPenalty);
    const left = distribution(penalised, settings);
    const expected = [...probabilities.keys()].filter((token) => probabilities[token] !== 0);
    expect([...left.tokens]).toEqual(expected);
    expected.forEach((token, at) => {
      expect(left.probabilities[at]).toBeCloseTo(probabilities[token] as number, 5);
    });
  });
});
