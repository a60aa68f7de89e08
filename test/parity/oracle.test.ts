/**
 * `npm run test:parity`: everything the oracle computes, made afresh in a temporary folder and compared
 * with the embedded engine; the committed fixtures are checked against it too. Needs Python; the first run
 * installs torch. On SmolLM2 it needs the pulled model and the benchmark's rows, and says what is missing.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { type ModelFolder, openModelFolder } from '../../src/model/model-folder.ts';
import { readPeftAdapter } from '../../src/model/peft.ts';
import { openModel } from '../../src/model/resolve.ts';
import { BENCHMARK } from './benchmark-data.ts';
import {
  compareLogProbs,
  compareObjective,
  type Expected,
  expectSameNumbers,
  readExpected,
} from './comparison.ts';
import { runOracle } from './environment.ts';
import { compareFirstSteps } from './first-step.ts';

const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url));
const DATA_FILES = [
  'hh-rlhf-helpful-base/train.json',
  'hh-rlhf-harmless-base/train.json',
  'TruthfulQA/train.json',
].map((name) => join(BENCHMARK, name));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-parity-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Checks everything expected of one model and reports how far apart the two are. */
async function compareAll(
  model: ModelFolder,
  { rows, adapters }: Expected,
  adapterFolder: (name: string) => string,
): Promise<void> {
  for (const [name, values] of Object.entries(adapters)) {
    const adapter = await readPeftAdapter(adapterFolder(name));
    const { worst: logps, reference } = await withEngine(model, (engine) =>
      compareLogProbs(engine, rows, adapter, values),
    );
    const worst = { loss: 0, gradient: 0 };
    for (const objective of values.objectives) {
      const { loss, gradient } = await withEngine(model, (engine) =>
        compareObjective(engine, rows, adapter, reference, values, objective),
      );
      worst.loss = Math.max(worst.loss, loss);
      worst.gradient = Math.max(worst.gradient, gradient);
    }
    const [first, second, third] = [logps, worst.loss, worst.gradient].map((number) =>
      number.toExponential(1),
    );
    report(
      `${name}: worst differences: log-probs ${first}, loss ${second}, gradient of a LoRA tensor ${third}`,
    );
  }
}

/** An engine of its own for each objective: all their graphs at once would not fit into memory. */
async function withEngine<T>(model: ModelFolder, use: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await createOrtEngine(model);
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
}

function report(line: string): void {
  process.stderr.write(`  ${line}\n`);
}

describe('tiny models', () => {
  let models: string;
  let expected: string;

  beforeAll(async () => {
    [models, expected] = [join(folder, 'models'), join(folder, 'expected')];
    await runOracle('make_tiny_models.py', models);
    await runOracle('make_expected.py', models, expected, '--all-gradients');
    await runOracle('trl_losses.py', join(folder, 'trl.json'));
  });

  it.each(['untied-gqa', 'tied-llama3', 'biased'])('%s', async (name) => {
    const model = await openModelFolder(join(models, name));
    await compareAll(model, readExpected(join(expected, `${name}.json`)), (adapter) =>
      join(models, name, 'adapters', adapter),
    );
  });

  it('give the first step that the command line logs', async () => {
    const steps = JSON.parse(await readFile(join(expected, 'first-step.json'), 'utf8'));
    await compareFirstSteps(models, steps, join(folder, 'first-step'));
  });

  it.each([
    'expected/untied-gqa.json',
    'expected/tied-llama3.json',
    'expected/biased.json',
    'expected/first-step.json',
    'trl.json',
  ])('are what the committed %s says', async (name) => {
    const [committed, fresh] = await Promise.all(
      [FIXTURES, folder].map(async (at) => JSON.parse(await readFile(join(at, name), 'utf8'))),
    );
    expectSameNumbers(committed, fresh, name);
  });
});

describe('SmolLM2-135M-Instruct', () => {
  it('on real rows', async ({ skip }) => {
    const files = DATA_FILES.filter(existsSync);
    skip(files.length < DATA_FILES.length, `the benchmark's rows are not in ${BENCHMARK}`);
    const model = await openModel('smollm2-135m-instruct').catch((error: Error) => error.message);
    if (typeof model === 'string') return skip(`the model is not at hand: ${model}`);
    const output = join(folder, 'smollm2');
    await runOracle('make_expected_real.py', model.path, output, ...files);
    await compareAll(model, readExpected(join(output, 'expected.json')), (name) => join(output, name));
  });
});
