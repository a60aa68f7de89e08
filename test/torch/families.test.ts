/**
 * Every family on both engines: tiny random models through the conformance suite, SmolLM2 from one engine to the
 * other.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { mapAdapter } from '../../src/model/adapter.ts';
import { linearModules } from '../../src/model/linear-modules.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { openModel } from '../../src/model/resolve.ts';
import { createObjective } from '../../src/objective/index.ts';
import { Random } from '../../src/support/random.ts';
import { describeEngine, expectGradients, expectLogProbs } from '../engine/conformance.ts';
import { describeGeneration } from '../engine/generation-conformance.ts';
import { randomRows } from '../model/tiny.ts';
import { runOracle } from '../parity/environment.ts';
import { openTorch } from './open.ts';

const folder = await mkdtemp(join(tmpdir(), 'lifealign-families-'));
await runOracle('make_family_models.py', folder);
afterAll(() => rm(folder, { recursive: true, force: true }));

const models = ['qwen2', 'mistral', 'qwen3', 'smollm3', 'phi3'].map(
  (name) => [join(folder, name), 'all'] as const,
);
for (const [name, open] of [
  ['ort', (model) => createOrtEngine(model, { threads: 1 })],
  ['torch', openTorch()],
] satisfies [string, Parameters<typeof describeEngine>[1]][]) {
  describeEngine(name, open, {}, models);
  describeGeneration(name, open, models);
}

describe('SmolLM2-135M-Instruct', () => {
  it('has the same log-probs, gradients and answers on both engines', async ({ skip }) => {
    const model = await openModel('smollm2-135m-instruct').catch((error: Error) => error.message);
    if (typeof model === 'string') return skip(`the model is not at hand: ${model}`);
    const random = Random.fromSeed(8);
    const settings = { rank: 4, alpha: 8, targets: ['q_proj', 'v_proj'] };
    const fresh = initialiseAdapter(settings, linearModules(model.config), random);
    const adapter = mapAdapter(fresh, ({ data }) => data.map(() => 0.04 * random.uniform() - 0.02));
    const lengths = [
      [30, 20, 25],
      [12, 1, 40],
    ] as const;
    const rows = randomRows(lengths, model.config.vocabularySize, 2);
    const request = { rows, adapter, objective: createObjective({ name: 'orpo' }), constants: {} };
    const prompts = rows.map(({ prompt }) => prompt);
    const results = [];
    for (const open of [openTorch(), createOrtEngine]) {
      const engine = await open(model);
      try {
        const base = await engine.score(rows, null);
        const answers = await engine.generate(prompts, adapter, { maxNewTokens: 12, stopTokens: [] });
        results.push({ base, answers, ...(await engine.gradients(request)) });
      } finally {
        await engine.close();
      }
    }
    const [torch, ort] = results;
    expectLogProbs(torch!.base, ort!.base);
    expectLogProbs(torch!.logps, ort!.logps);
    expectGradients(torch!.gradients, ort!.gradients);
    expect(torch!.answers).toEqual(ort!.answers);
  });
});
