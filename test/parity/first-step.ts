/**
 * The first line of steps.jsonl as the command line writes it, against the oracle: one effective batch
 * holds all rows and training starts from a given adapter, so every number is known in advance.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect } from 'vitest';
import { stringify } from 'yaml';

const COMMAND = fileURLToPath(new URL('../../bin/lifealign.js', import.meta.url));
const ROWS = fileURLToPath(new URL('fixtures/rows.json', import.meta.url));

interface Pair {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

export interface ExpectedFirstStep {
  readonly base: Pair;
  readonly policy: Pair;
  readonly steps: readonly {
    readonly settings: { readonly name: string; readonly beta: number; readonly gamma: number };
    readonly loss: number;
    readonly grad_norm: number;
  }[];
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const rewards = (beta: number, policy: readonly number[], base: readonly number[]) =>
  policy.map((logp, at) => beta * (logp - (base[at] as number)));

/** Trains on test/parity/fixtures/rows.json with each objective of `expected`. */
export async function compareFirstSteps(
  models: string,
  expected: ExpectedFirstStep,
  folder: string,
): Promise<void> {
  const { base, policy } = expected;
  for (const { settings, loss, grad_norm: gradientNorm } of expected.steps) {
    const step = await firstStep(
      models,
      settings,
      expected.base.chosen.length,
      join(folder, `gamma-${settings.gamma}`),
    );
    const chosen = rewards(settings.beta, policy.chosen, base.chosen);
    const rejected = rewards(settings.beta, policy.rejected, base.rejected);
    const margins = chosen.map((reward, at) => reward - (rejected[at] as number));
    expectClose(step, 'loss', loss);
    expectClose(step, 'grad_norm', gradientNorm, 1e-3);
    expectClose(step, 'logps/chosen', mean(policy.chosen));
    expectClose(step, 'logps/rejected', mean(policy.rejected));
    expectClose(step, 'rewards/chosen', mean(chosen));
    expectClose(step, 'rewards/rejected', mean(rejected));
    expectClose(step, 'rewards/margins', mean(margins));
    expectClose(
      step,
      'rewards/accuracies',
      (100 * margins.filter((margin) => margin > 0).length) / margins.length,
    );
  }
}

function expectClose(step: Record<string, unknown>, field: string, value: number, tolerance = 1e-4): void {
  const difference = Math.abs((step[field] as number) - value);
  expect(difference, `${field}: ${step[field]}, expected ${value}`).toBeLessThanOrEqual(
    tolerance * Math.max(1, Math.abs(value)),
  );
}

async function firstStep(
  models: string,
  objective: object,
  batchSize: number,
  folder: string,
): Promise<Record<string, unknown>> {
  await mkdir(folder, { recursive: true });
  const model = join(models, 'untied-gqa');
  const config = {
    base: model,
    adapter: join(model, 'adapters', 'all'),
    method: 'seqft',
    tasks: [{ name: 'only', train: ROWS, test: ROWS }],
    stages: {
      sft: { epochs: 0 },
      preference: { epochs: 1, batch_size: batchSize, objective },
    },
  };
  const file = join(folder, 'config.yaml');
  await writeFile(file, stringify(config));
  const output = join(folder, 'output');
  await execa('node', [COMMAND, 'train', file, '--output-dir', output], {
    env: { LIFEALIGN_CACHE: join(folder, 'cache') },
  });
  const [line] = (await readFile(join(output, 'steps.jsonl'), 'utf8')).split('\n');
  return JSON.parse(line as string) as Record<string, unknown>;
}
