/**
 * What every engine must satisfy, as one suite: it is run on each engine by a test file of its own. The
 * models are the tiny random ones of the parity fixtures; the oracle is the reference kernels (reference.ts).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, GradientResult, RowLogProbs } from '../../src/engine/engine.ts';
import { stackAdapters } from '../../src/method/stacked-adapter.ts';
import { type LoraAdapter, mapAdapter } from '../../src/model/adapter.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { createObjective } from '../../src/objective/index.ts';
import type { Objective } from '../../src/objective/objective.ts';
import { Random } from '../../src/support/random.ts';
import { multiply } from '../../src/tensor/functions.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import { openTiny, randomRows, TINY_MODELS } from '../model/tiny.ts';
import { evaluateObjective } from '../objective/evaluate-objective.ts';
import { mergedWeights, referenceGradients, referenceScore } from './reference.ts';

export type OpenEngine = (model: ModelFolder) => Promise<Engine>;

/** Relative, of log-probs and (in L2) of each gradient. */
const TOLERANCE = 1e-4;

/** Ragged, with prompts and responses of one token. */
export const LENGTHS = [
  [1, 1, 2],
  [6, 3, 4],
  [9, 7, 1],
  [3, 1, 12],
] as const;

const fpo = createObjective({ name: 'fpo' });
const sft = createObjective({ name: 'sft' });

/** Σ over rows of a given weight times the chosen response's log-prob, divided by the rows. */
const weighted: Objective = {
  name: 'weighted',
  key: 'weighted',
  responses: 'chosen',
  normalizer: 'rows',
  constants: ['weight'],
  expression: ({ chosenLogp, constant }) => multiply(chosenLogp, constant('weight')),
};

export function expectRelative(actual: number, expected: number, what: string): void {
  expect(Math.abs(actual - expected), `${what}: ${actual}, expected ${expected}`).toBeLessThanOrEqual(
    TOLERANCE * Math.abs(expected),
  );
}

export function expectLogProbs(actual: RowLogProbs, expected: RowLogProbs): void {
  for (const response of ['chosen', 'rejected'] as const) {
    expect(actual[response]).toHaveLength(expected[response].length);
    expected[response].forEach((value, row) => {
      expectRelative(actual[response][row] as number, value, `${response} of row ${row + 1}`);
    });
  }
}

const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

type Gradients = ReadonlyMap<string, ArrayLike<number>>;

export function expectGradients(actual: Gradients, expected: Gradients): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, values] of expected) {
    const found = actual.get(name) as ArrayLike<number>;
    const distance = norm(Array.from(values, (value, at) => (found[at] as number) - value));
    expect(norm(values), name).toBeGreaterThan(0);
    expect(distance, name).toBeLessThanOrEqual(TOLERANCE * norm(values));
  }
}

export function expectSame(actual: GradientResult, expected: GradientResult): void {
  expectRelative(actual.loss, expected.loss, 'loss');
  expectLogProbs(actual.logps, expected.logps);
  expectGradients(actual.gradients, expected.gradients);
}

/**
 * @param name the engine's
 * @param open opens it as users do
 * @param variants other settings, which must not change results beyond rounding
 * @param models folders, those of the fixtures by name, each with the adapter that has most modules
 */
export function describeEngine(
  name: string,
  open: OpenEngine,
  variants: Readonly<Record<string, OpenEngine>>,
  models: readonly (readonly [model: string, adapter: string])[] = TINY_MODELS,
): void {
  describe.each(models)(`${name} on %s`, (modelName, adapterName) => {
    let model: ModelFolder;
    let adapter: LoraAdapter;
    let engine: Engine;
    let rows: readonly EncodedRow[];
    let constants: Record<string, Float64Array>;

    beforeAll(async () => {
      ({ model, adapter } = await openTiny(modelName, adapterName));
      engine = await open(model);
      rows = randomRows(LENGTHS, model.config.vocabularySize, 11);
      const reference = referenceScore(model, rows, null);
      constants = { reference_chosen: reference.chosen, reference_rejected: reference.rejected };
    });
    afterAll(() => engine?.close());

    const request = (objective: Objective = fpo, policy: LoraAdapter = adapter) => ({
      rows,
      adapter: policy,
      objective,
      constants: objective.constants.length > 0 ? constants : {},
    });

    it('has the log-probs of the reference kernels', async () => {
      for (const policy of [null, adapter]) {
        expectLogProbs(await engine.score(rows, policy), referenceScore(model, rows, policy));
      }
    });

    it.each([fpo, sft])('has loss and gradients of the reference kernels: $name', async (objective) => {
      const [found, expected] = [
        await engine.gradients(request(objective)),
        referenceGradients(model, request(objective)),
      ];
      expectRelative(found.loss, expected.loss, 'loss');
      expectLogProbs(found.logps, expected.logps);
      expectGradients(found.gradients, expected.gradients);
    });

    it('has them where prompts begin alike, as with a system prompt', async () => {
      const start = randomRows([[12, 1, 1]], model.config.vocabularySize, 3)[0]!.prompt;
      const alike = rows.map((row) => ({ ...row, prompt: Int32Array.of(...start, ...row.prompt) }));
      const all = { ...request(), rows: alike };
      const [found, expected] = [await engine.gradients(all), referenceGradients(model, all)];
      expectRelative(found.loss, expected.loss, 'loss');
      expectLogProbs(found.logps, expected.logps);
      expectGradients(found.gradients, expected.gradients);
    });

    it('shares a prompt without changing anything', async () => {
      const shared = await engine.gradients(request());
      // Every response as a row of its own, weighted by the objective's derivative: the chain rule by hand.
      const { loss, chosenGradient, rejectedGradient } = evaluateObjective(fpo, {
        chosen: [...shared.logps.chosen],
        rejected: [...shared.logps.rejected],
        chosenLength: rows.map((row) => row.chosen.length),
        rejectedLength: rows.map((row) => row.rejected.length),
        constants: Object.fromEntries(Object.entries(constants).map(([key, values]) => [key, [...values]])),
      });
      const separate = rows.flatMap(({ prompt, chosen, rejected }) =>
        [chosen, rejected].map((response) => ({ prompt, chosen: response, rejected: response })),
      );
      const weights = chosenGradient.flatMap((weight, row) => [weight, rejectedGradient[row] as number]);
      const unshared = await engine.gradients({
        rows: separate,
        adapter,
        objective: weighted,
        constants: { weight: Float64Array.from(weights, (weight) => weight * separate.length) },
      });
      expectRelative(shared.loss, loss, 'loss');
      expectLogProbs(shared.logps, {
        chosen: unshared.logps.chosen.filter((_, at) => at % 2 === 0),
        rejected: unshared.logps.chosen.filter((_, at) => at % 2 === 1),
      });
      expectGradients(shared.gradients, unshared.gradients);
    });

    it('scores as it differentiates', async () => {
      const { logps } = await engine.gradients(request());
      expectLogProbs(await engine.score(rows, adapter), logps);
    });

    it.each(Object.keys(variants))('gives the same with %s', async (variant) => {
      const other = await (variants[variant] as OpenEngine)(model);
      try {
        expectSame(await other.gradients(request()), await engine.gradients(request()));
      } finally {
        await other.close();
      }
    });

    it('gives rows in the order they came in', async () => {
      const order = [3, 0, 2, 1];
      const pick = <T>(values: { [at: number]: T }) => order.map((at) => values[at] as T);
      const permute = (logps: RowLogProbs) => ({
        chosen: Float64Array.from(pick(logps.chosen)),
        rejected: Float64Array.from(pick(logps.rejected)),
      });
      const plain = await engine.gradients(request());
      const permuted = await engine.gradients({
        ...request(),
        rows: pick(rows),
        constants: Object.fromEntries(
          Object.entries(constants).map(([key, values]) => [key, Float64Array.from(pick(values))]),
        ),
      });
      expectSame(permuted, { ...plain, logps: permute(plain.logps) });
      expectLogProbs(await engine.score(pick(rows), null), permute(await engine.score(rows, null)));
    });

    it('gives the same numbers again', async () => {
      const [first, second] = [await engine.gradients(request()), await engine.gradients(request())];
      expect(second).toEqual(first);
      expect(await engine.score(rows, adapter)).toEqual(await engine.score(rows, adapter));
    });

    it('leaves the base alone while B is zero', async () => {
      const fresh = mapAdapter(adapter, (tensor, key) =>
        key.includes('lora_B') ? zeros(tensor.data) : tensor.data,
      );
      expectLogProbs(await engine.score(rows, fresh), await engine.score(rows, null));
      const { loss, gradients } = await engine.gradients(request(fpo, fresh));
      // p = 1/2 in every row: (1/2)² · log 2.
      expectRelative(loss, Math.LN2 / 4, 'loss');
      for (const [key, values] of gradients) {
        if (key.includes('lora_A')) expect(norm(values), key).toBe(0);
        else expect(norm(values), key).toBeGreaterThan(0);
      }
    });

    it('scales an adapter by alpha over rank', async () => {
      const withAlpha = (alpha: number): LoraAdapter => ({
        ...adapter,
        settings: { ...adapter.settings, alpha },
      });
      const doubled = mapAdapter(adapter, (tensor, key) =>
        key.includes('lora_B') ? tensor.data.map((value) => 2 * value) : tensor.data,
      );
      expectLogProbs(await engine.score(rows, withAlpha(0)), await engine.score(rows, null));
      expectLogProbs(
        await engine.score(rows, withAlpha(2 * adapter.settings.alpha)),
        await engine.score(rows, doubled),
      );
    });

    it('sums adapters that are stacked', async () => {
      const random = Random.fromSeed(31);
      const other = mapAdapter(adapter, ({ data }) => data.map(() => 0.2 * random.uniform() - 0.1));
      const stacked = stackAdapters([adapter.tensors, other.tensors], adapter.settings);
      // The other one merged into the weights is another way to say it.
      expectLogProbs(
        await engine.score(rows, stacked),
        referenceScore(model, rows, adapter, mergedWeights(model, other)),
      );
    });

    it('has the gradients of finite differences of its own scores', async () => {
      const random = Random.fromSeed(5);
      const { gradients } = await engine.gradients(request());
      for (const side of ['lora_A', 'lora_B']) {
        // Half along the gradient, so that the derivative stands out of float32's rounding.
        const directions = new Map<string, Float32Array>();
        for (const [key, values] of gradients) {
          if (!key.includes(side)) continue;
          const scale = norm(values);
          const size = Math.sqrt(values.length);
          directions.set(
            key,
            values.map((value) => value / scale + (2 * random.uniform() - 1) / size),
          );
        }
        const lossAt = async (step: number) => {
          const moved = mapAdapter(adapter, ({ data }, key) =>
            data.map((value, at) => value + step * (directions.get(key)?.[at] ?? 0)),
          );
          const { chosen, rejected } = await engine.score(rows, moved);
          return evaluateObjective(fpo, {
            chosen: [...chosen],
            rejected: [...rejected],
            chosenLength: rows.map((row) => row.chosen.length),
            rejectedLength: rows.map((row) => row.rejected.length),
            constants: Object.fromEntries(
              Object.entries(constants).map(([key, values]) => [key, [...values]]),
            ),
          }).loss;
        };
        const step = 1e-2;
        const [once, twice] = [
          (await lossAt(step)) - (await lossAt(-step)),
          (await lossAt(2 * step)) - (await lossAt(-2 * step)),
        ];
        // Five points: the error is of the fourth order in the step.
        const difference = (8 * once - twice) / (12 * step);
        let derivative = 0;
        for (const [key, direction] of directions) {
          direction.forEach((value, at) => {
            derivative += value * (gradients.get(key)?.[at] as number);
          });
        }
        expect(Math.abs(derivative - difference), side).toBeLessThan(5e-3 * Math.abs(difference));
      }
    });

    it('leaves rejected responses out where the objective does', async () => {
      const { logps } = await engine.gradients(request(sft));
      expect(logps.rejected).toEqual(new Float64Array(rows.length));
    });

    it('counts the tokens of every response with its prompt', async () => {
      const count = async (run: (onProgress: (tokens: number) => void) => Promise<unknown>) => {
        let total = 0;
        await run((tokens) => {
          total += tokens;
        });
        return total;
      };
      const expected = (responses: readonly ('chosen' | 'rejected')[]) =>
        rows.reduce(
          (total, row) => responses.reduce((sum, one) => sum + row.prompt.length + row[one].length, total),
          0,
        );
      const pairs = expected(['chosen', 'rejected']);
      expect(await count((onProgress) => engine.score(rows, null, { onProgress }))).toBe(pairs);
      expect(await count((onProgress) => engine.gradients(request(), { onProgress }))).toBe(pairs);
      expect(await count((onProgress) => engine.gradients(request(sft), { onProgress }))).toBe(
        expected(['chosen']),
      );
    });

    it('stops when told, and works on', async () => {
      const reason = new Error('enough');
      const stopped = AbortSignal.abort(reason);
      await expect(engine.score(rows, null, { signal: stopped })).rejects.toBe(reason);
      await expect(engine.gradients(request(), { signal: stopped })).rejects.toBe(reason);
      // More rows than fit in one micro-batch, stopped after the first.
      const many = Array.from({ length: 40 }, () => rows).flat();
      const abort = new AbortController();
      let reports = 0;
      const onProgress = () => {
        reports++;
        abort.abort(reason);
      };
      await expect(engine.score(many, null, { signal: abort.signal, onProgress })).rejects.toBe(reason);
      expect(reports).toBe(1);
      expectLogProbs(await engine.score(rows, null), referenceScore(model, rows, null));
    });

    it('scores no rows', async () => {
      expect(await engine.score([], null)).toEqual({
        chosen: new Float64Array(),
        rejected: new Float64Array(),
      });
    });

    it('refuses rows without a prompt, without a response, and constants that are missing', async () => {
      const [row] = rows as [EncodedRow];
      const none = new Int32Array();
      for (const part of ['prompt', 'chosen', 'rejected']) {
        await expect(engine.score([{ ...row, [part]: none }], null), part).rejects.toThrow('at least one');
      }
      await expect(engine.gradients({ ...request(), constants: {} })).rejects.toThrow('reference_chosen');
    });

    it('is identified by its model', async () => {
      const same = await open(model);
      const changed = await open({ ...model, identity: `${model.identity}x` });
      expect(same.identity).toBe(engine.identity);
      expect(changed.identity).not.toBe(engine.identity);
      await same.close();
      await changed.close();
    });
  });
}

function zeros(data: Float32Array): Float32Array {
  return new Float32Array(data.length);
}
