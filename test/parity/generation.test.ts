/**
 * Generation against transformers: the committed values made afresh, and SmolLM2 with and without an adapter, on
 * four questions and on 20 real prompts. Needs Python; the first run installs torch. Takes minutes.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { openModel } from '../../src/model/resolve.ts';
import { encodePrompt } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';
import { BENCHMARK, benchmarkPrompts, hasBenchmark } from './benchmark-data.ts';
import { runOracle } from './environment.ts';
import {
  answerGreedily,
  compareAnswers,
  compareGreedy,
  type ExpectedAnswer,
  type ExpectedGenerations,
} from './generation-comparison.ts';

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
  let model: ModelFolder | string;
  beforeAll(async () => {
    model = await openModel('smollm2-135m-instruct').catch((error: Error) => error.message);
  });

  it('answers four questions as transformers does', async ({ skip }) => {
    if (typeof model === 'string') return skip(`the model is not at hand: ${model}`);
    const text = await loadTextModel(model.path);
    const prompts = QUESTIONS.map((content) => encodePrompt([{ role: 'user', content }], text));
    await withExpected(model, prompts, 32, async (engine, policy, { adapter, answers }) => {
      const whole = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
      const equal = await compareGreedy(engine, policy, answers, TIE);
      report(`adapter ${adapter}: ${equal} of ${whole} tokens equal`);
      expect(equal).toBeGreaterThan(whole / 2);
    });
  });

  it('answers 20 real prompts as transformers does, all at once and one by one', async ({ skip }) => {
    if (typeof model === 'string') return skip(`the model is not at hand: ${model}`);
    skip(!hasBenchmark(), `the benchmark's rows are not in ${BENCHMARK}`);
    const prompts = await benchmarkPrompts(20, 250, await loadTextModel(model.path));
    await withExpected(model, prompts, 64, async (engine, policy, { adapter, answers }) => {
      const oneByOne = await answerGreedily(engine, policy, answers, 1);
      const { equal, nearTies } = compareAnswers(oneByOne, answers, TIE);
      report(`adapter ${adapter}: ${equal} of ${20 * 64} tokens equal, near-ties met: ${nearTies.length}`);
      for (const { answer, position, margin, turned } of nearTies) {
        const end = turned ? 'went the other way: not compared from here on' : 'went the same way';
        report(`  answer ${answer}, token ${position}, margin ${margin.toExponential(1)}: ${end}`);
      }
      expect(equal).toBeGreaterThan(0.9 * 20 * 64);
      expect(await answerGreedily(engine, policy, answers, 20)).toEqual(oneByOne);
    });
  });
});

interface ExpectedBy {
  /** The folder of an adapter, within the output; null: the base. */
  readonly adapter: string | null;
  readonly answers: readonly ExpectedAnswer[];
}

/** What transformers answers, without an adapter and then with one, and an engine to compare with. */
async function withExpected(
  model: ModelFolder,
  prompts: readonly Int32Array[],
  newTokens: number,
  compare: (engine: Engine, policy: Adapter | null, expected: ExpectedBy) => Promise<void>,
): Promise<void> {
  const output = await mkdtemp(join(folder, 'smollm2-'));
  const given = join(output, 'prompts.json');
  await writeFile(given, JSON.stringify(prompts.map((prompt) => [...prompt])));
  await runOracle('make_generations.py', '--real', model.path, given, output, String(newTokens));
  const expected: ExpectedBy[] = JSON.parse(await readFile(join(output, 'generations.json'), 'utf8'));
  const engine = await createOrtEngine(model);
  try {
    for (const one of expected) {
      const policy = one.adapter === null ? null : await readPeftAdapter(join(output, one.adapter));
      await compare(engine, policy, one);
    }
  } finally {
    await engine.close();
  }
}

function report(line: string): void {
  process.stderr.write(`  ${line}\n`);
}
