/**
 * The methods' hooks against an independent implementation: what oracle/methods_torch.py wrote to
 * fixtures/methods.json, by torch autograd and, for GEM's quadratic programs, by trying every set of active bounds.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowWeights } from '../../src/method/cppo.ts';
import type { Gradients, MethodRun, NamedMatrices } from '../../src/method/method.ts';
import { type LoraAdapter, type PromptPool, SOFT_PROMPTS } from '../../src/model/adapter.ts';
import { nearestKeys, promptKeys } from '../../src/model/prompt-pool.ts';
import { TokenEmbeddings } from '../../src/model/token-embeddings.ts';
import { createObjective } from '../../src/objective/index.ts';
import { evaluateObjective } from '../objective/evaluate-objective.ts';
import type { MethodCases } from './oracle-cases.ts';
import { beginMethod, stageEnd } from './small-adapters.ts';

const cases: MethodCases = JSON.parse(
  readFileSync(new URL('./fixtures/methods.json', import.meta.url), 'utf8'),
);

type Shape = readonly [number, number];

/** `names` are those of the matrices, in the fixture's order. */
function matrices(
  names: readonly string[],
  shapes: readonly Shape[],
  values: readonly number[][],
): NamedMatrices {
  return new Map(
    names.map((name, at) => [name, { shape: shapes[at]!, data: Float32Array.from(values[at]!) }]),
  );
}

function adapterOf(tensors: NamedMatrices): LoraAdapter {
  return { settings: { rank: 2, alpha: 4, targets: ['q_proj'] }, tensors };
}

const gradientsOf = (names: readonly string[], values: readonly number[][]): Gradients =>
  new Map(names.map((name, at) => [name, Float32Array.from(values[at]!)]));

/** Within 1e-5 of the largest expected number, or of 1e-5 itself where that is tiny. */
function expectClose(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1e-5, ...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, at) => Math.abs(value - actual[at]!)));
  expect(worst / scale, what).toBeLessThanOrEqual(1e-5);
}

function expectPenalty(
  { value, gradients }: ReturnType<NonNullable<MethodRun['penalty']>>,
  expected: { readonly value: number; readonly gradients: readonly number[][] },
): void {
  expectClose([value], [expected.value], 'value');
  expect(gradients.size).toBe(expected.gradients.length);
  for (const [at, [name, gradient]] of [...gradients].entries()) {
    expectClose(gradient, expected.gradients[at]!, name);
  }
}

const two = ['first', 'second'];

describe('EWC', () => {
  it.each(cases.ewc)('$name', async ({ settings, shapes, stages, now, expected }) => {
    const method = beginMethod('ewc', settings);
    for (const { after, rows } of stages) {
      const ofRows = rows.map((values) => gradientsOf(two, values));
      await method.endStage!(stageEnd(adapterOf(matrices(two, shapes, after)), ...ofRows));
    }
    expectPenalty(method.penalty!(adapterOf(matrices(two, shapes, now)), []), expected);
  });
});

describe('GEM', () => {
  it.each(cases.gem)('$name', async ({ settings, shapes, stages, now, expected }) => {
    const zeros = shapes.map(([rows, columns]) => new Array<number>(rows * columns).fill(0));
    const initial = adapterOf(matrices(two, shapes, zeros));
    const method = beginMethod('gem', settings, { initial });
    for (const steps of stages) {
      for (const step of steps) method.gradients!(gradientsOf(two, step));
      await method.endStage!(stageEnd(initial));
    }
    const averages = method.state!().finished;
    for (const [stage, values] of expected.averages.entries()) {
      for (const [at, name] of two.entries()) {
        expectClose(averages[stage]!.get(name)!.data, values[at]!, `average ${stage}, ${name}`);
      }
    }
    for (const [step, values] of now.entries()) {
      const found = method.gradients!(gradientsOf(two, values));
      for (const [at, name] of two.entries()) {
        expectClose(found.get(name)!, expected.projected[step]![at]!, `step ${step + 1}, ${name}`);
        for (const past of expected.averages) {
          const product = found.get(name)!.reduce((sum, value, place) => sum + value * past[at]![place]!, 0);
          const size = Math.hypot(...found.get(name)!) * Math.hypot(...past[at]!);
          expect(product).toBeGreaterThanOrEqual(-1e-5 * size);
        }
      }
    }
  });
});

describe('O-LoRA', () => {
  const names = ['q', 'v'].flatMap((module) =>
    ['A', 'B'].map((side) => `base_model.model.${module}.lora_${side}.weight`),
  );

  it.each(cases.olora)('$name', ({ settings, shapes, past, now, expected }) => {
    const initial = adapterOf(matrices(names, shapes, now));
    const finished = past.map((values) => matrices(names, shapes, values));
    const remembered = { running: new Map(), finished };
    expectPenalty(beginMethod('olora', settings, { initial, remembered }).penalty!(initial, []), expected);
  });
});

describe('L2P', () => {
  it.each(cases.l2p)('$name', ({ settings, embeddings: table, pool: values, rows, expected }) => {
    const hidden = table[0]!.length;
    const embeddings = new TokenEmbeddings(table.length, hidden, (tokens) =>
      Float32Array.from(Array.from(tokens, (token) => table[token]!).flat()),
    );
    const { pool_size: poolSize, prompt_length: promptLength, top_k: topK } = settings;
    const pool: PromptPool = {
      settings: { poolSize, promptLength, topK },
      tensors: new Map([
        [SOFT_PROMPTS, { shape: [poolSize * promptLength, hidden], data: Float32Array.from(values) }],
      ]),
    };
    const encoded = rows.map((row) => ({
      prompt: Int32Array.from(row),
      chosen: Int32Array.of(0),
      rejected: Int32Array.of(1),
    }));
    const keys = promptKeys(pool);
    const choices = encoded.map(({ prompt }) => nearestKeys(embeddings.mean(prompt), keys, topK));
    expect(choices).toEqual(expected.choices);
    const method = beginMethod('l2p', settings, { initial: pool, embeddings });
    expectPenalty(method.penalty!(pool, encoded), expected);
  });
});

describe('CPPO', () => {
  const logProbs = ({ chosen, rejected }: { chosen: number[]; rejected: number[] }) => ({
    chosen: Float64Array.from(chosen),
    rejected: Float64Array.from(rejected),
  });

  it.each(cases.cppo)('$name', ({ settings, beta, policy, reference, start, expected }) => {
    const batch = { policy: logProbs(policy), reference: logProbs(reference), taskStart: logProbs(start) };
    const weights = rowWeights(batch, settings.deviations).map((row) => [row.alpha, row.beta]);
    expect(weights).toEqual(expected.weights);
    const weighting = beginMethod('cppo', settings).weighting!;
    const constants = Object.entries(weighting.constants(batch)).map(([name, values]) => [name, [...values]]);
    const lengths = policy.chosen.map(() => 1);
    const { loss, chosenGradient, rejectedGradient } = evaluateObjective(
      weighting.objective(createObjective({ name: 'dpo', beta })),
      {
        ...policy,
        chosenLength: lengths,
        rejectedLength: lengths,
        constants: {
          reference_chosen: reference.chosen,
          reference_rejected: reference.rejected,
          ...Object.fromEntries(constants),
        },
      },
    );
    expectClose([loss], [expected.value], 'loss');
    expectClose(chosenGradient, expected.gradients[0]!, 'chosen');
    expectClose(rejectedGradient, expected.gradients[1]!, 'rejected');
  });
});
