/**
 * What every engine's `generate` must satisfy. The oracle is the training graph, evaluated by the reference
 * kernels over prompt and answer at once: it has no cache, no slots and no batch.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Generated, GenerateOptions } from '../../src/engine/engine.ts';
import { penalise } from '../../src/engine/sampling.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { decoderLayers, finalNorm, headWeight } from '../../src/model/graph/decoder.ts';
import { batchInputs } from '../../src/model/graph/layout.ts';
import { adapterShape, Parameters } from '../../src/model/graph/parameters.ts';
import type { ModelFolder } from '../../src/model/model-folder.ts';
import { createObjective } from '../../src/objective/index.ts';
import type { Objective } from '../../src/objective/objective.ts';
import { Random } from '../../src/support/random.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import { matmul } from '../../src/tensor/functions.ts';
import type { Value } from '../../src/tensor/operation.ts';
import {
  adapterValues,
  batchValues,
  feed,
  HEAD_PIECES,
  openTiny,
  TINY_MODELS,
  weightValues,
} from '../model/tiny.ts';
import type { OpenEngine } from './conformance.ts';

/** For every token of the answer, the logits it was chosen by. */
export function referenceLogits(
  model: ModelFolder,
  adapter: Adapter | null,
  prompt: Int32Array,
  answer: Int32Array,
): readonly Float64Array[] {
  const parameters = new Parameters(adapter && adapterShape(adapter));
  const batch = batchInputs({ pairs: 1, responses: 'chosen', headPieces: HEAD_PIECES });
  const states = decoderLayers(model.config, batch, parameters, 'nothing');
  const head = headWeight(model.config, parameters);
  const logits = matmul(finalNorm(states, model.config, parameters), head, { transposeB: true });
  const row = { prompt, chosen: answer, rejected: answer };
  const values = new Map([
    ...weightValues(model),
    ...adapterValues(adapter),
    ...batchValues(model, [row], 'chosen'),
  ]);
  const [{ data }] = evaluate([logits], feed([logits], values)) as [Value];
  const size = model.config.vocabularySize;
  return Array.from(answer, (_, at) => data.subarray(at * size, (at + 1) * size));
}

const LENGTHS = [5, 1, 40, 7, 2, 13, 30];

const none: readonly number[] = [];

export function describeGeneration(
  name: string,
  open: OpenEngine,
  models: readonly (readonly [model: string, adapter: string])[] = TINY_MODELS,
): void {
  describe.each(models)(`${name} generates with %s`, (modelName, adapterName) => {
    let model: ModelFolder;
    let adapter: Adapter;
    let engine: Engine;
    let prompts: readonly Int32Array[];

    const randomTokens = (length: number, seed: number) => {
      const random = Random.fromSeed(seed);
      return Int32Array.from({ length }, () => random.integer(model.config.vocabularySize));
    };

    beforeAll(async () => {
      ({ model, adapter } = await openTiny(modelName, adapterName));
      engine = await open(model);
      prompts = LENGTHS.map(randomTokens);
    });
    afterAll(() => engine?.close());

    const answers = async (
      some: Partial<GenerateOptions> = {},
      of = prompts,
      policy: Adapter | null = adapter,
    ) => {
      const options = { maxNewTokens: 12, stopTokens: none, ...some };
      return (await engine.generate(of, policy, options)).map(({ tokens }) => [...tokens]);
    };

    it('the most probable tokens of the reference kernels', async () => {
      for (const policy of [null, adapter]) {
        const found = await engine.generate(prompts, policy, { maxNewTokens: 8, stopTokens: none });
        found.forEach(({ tokens, finishReason }, row) => {
          expect(finishReason).toBe('length');
          expect(tokens).toHaveLength(8);
          referenceLogits(model, policy, prompts[row] as Int32Array, tokens).forEach((logits, at) => {
            const best = logits.reduce((a, b) => Math.max(a, b));
            const chosen = logits[tokens[at] as number] as number;
            // Equal but for float32's rounding.
            expect(best - chosen, `row ${row + 1}, token ${at + 1}`).toBeLessThan(1e-4);
          });
        });
      }
    });

    it.each([1, 2, 3, 16])('the same in batches of %i, and alone', async (batchSize) => {
      const together = await answers({ batchSize });
      const alone: number[][] = [];
      for (const prompt of prompts) alone.push(...(await answers({}, [prompt])));
      expect(together).toEqual(alone);
      expect(await answers({ batchSize }, [...prompts].reverse())).toEqual([...alone].reverse());
    });

    it('answers that end at different times, in any batch', async () => {
      const whole = await answers();
      const stopTokens = [...new Set(whole.map((tokens, row) => tokens[(3 * row) % 8] as number))];
      const expected = whole.map((tokens) => {
        const end = tokens.findIndex((token) => stopTokens.includes(token));
        return end < 0
          ? { tokens, finishReason: 'length' }
          : { tokens: tokens.slice(0, end + 1), finishReason: 'stop' };
      });
      expect(new Set(expected.map(({ tokens }) => tokens.length)).size).toBeGreaterThan(2);
      for (const batchSize of [1, 2, 3, 16]) {
        const options = { maxNewTokens: 12, stopTokens, batchSize };
        const found = await engine.generate(prompts, adapter, options);
        expect(found.map((one) => ({ ...one, tokens: [...one.tokens] }))).toEqual(expected);
      }
    });

    it('several answers to a prompt, each as if it were alone', async () => {
      const greedy = await answers();
      expect(await answers({ samples: 3, batchSize: 2 })).toEqual(greedy.flatMap((one) => [one, one, one]));
      const drawn = { temperature: 1.2, seed: 4 };
      const expected = await answers({ ...drawn, samples: 3 });
      expect(new Set(expected.map(String)).size).toBe(expected.length);
      for (const batchSize of [1, 2, 5, 21]) {
        expect(await answers({ ...drawn, samples: 3, batchSize })).toEqual(expected);
      }
      expect(await answers(drawn)).toEqual(expected.filter((_, at) => at % 3 === 0));
      expect(await answers({ ...drawn, seed: 5 })).not.toEqual(await answers(drawn));
    });

    it('several answers to a prompt while they end in any order', async () => {
      const two = prompts.slice(2, 4);
      const drawn = { temperature: 1.2, samples: 4 };
      const whole = await answers(drawn, two);
      const random = Random.fromSeed(9);
      const lengths = Array.from({ length: 6 }, () => whole.map(() => 1 + random.integer(12)));
      // With three at a time: the second prompt's first two end together, around one of the first prompt.
      for (const ends of [[2, 12, 1, 1, 3, 2, 5, 5], ...lengths]) {
        const said = whole.map(() => 0);
        const onToken = (answer: number) => ++(said[answer] as number) === ends[answer];
        const found = await answers({ ...drawn, onToken, batchSize: 3 }, two);
        expect(found).toEqual(whole.map((tokens, answer) => tokens.slice(0, ends[answer])));
      }
    });

    it('other tokens than those said before, the prompt’s among them', async () => {
      const repetitionPenalty = 1.5;
      const found = await answers({ repetitionPenalty, maxNewTokens: 8 });
      expect(found).not.toEqual(await answers({ maxNewTokens: 8 }));
      found.forEach((tokens, row) => {
        const prompt = prompts[row] as Int32Array;
        referenceLogits(model, adapter, prompt, Int32Array.from(tokens)).forEach((logits, at) => {
          const seen = [...prompt, ...tokens.slice(0, at)];
          const penalised = penalise(Float32Array.from(logits), seen, repetitionPenalty);
          const best = penalised.reduce((a, b) => Math.max(a, b));
          expect(best - (penalised[tokens[at] as number] as number)).toBeLessThan(1e-4);
        });
      });
    });

    it('within each setting', async () => {
      const greedy = await answers();
      expect(await answers({ temperature: 2 })).not.toEqual(greedy);
      for (const narrow of [{ topK: 1 }, { topP: 1e-6 }, { minP: 1 }]) {
        expect(await answers({ temperature: 2, ...narrow })).toEqual(greedy);
      }
      await expect(answers({ topP: 0 })).rejects.toThrow('top-p: expected');
    });

    it('to the last position, and no further', async () => {
      const { maxPositions } = model.config;
      const [fits, full] = [randomTokens(maxPositions - 2, 1), randomTokens(maxPositions, 2)];
      const [answer] = await engine.generate([fits], null, { maxNewTokens: 9, stopTokens: none });
      expect(answer).toMatchObject({ finishReason: 'length', tokens: { length: 2 } });
      await expect(answers({}, [fits, full])).rejects.toThrow(/prompt 2 has 512 tokens; of the model's 512/);
      await expect(answers({}, [new Int32Array()])).rejects.toThrow('at least one token');
    });

    it('and tells of every token, and ends an answer when told', async () => {
      const whole = await answers();
      const told = prompts.map((): number[] => []);
      let progress = 0;
      const onProgress = (tokens: number) => {
        progress += tokens;
      };
      const onToken = (row: number, token: number) => (told[row] as number[]).push(token) === row + 1;
      const options = { maxNewTokens: 12, stopTokens: none, onToken, onProgress, batchSize: 3 };
      const found = await engine.generate(prompts, adapter, options);
      expect(found.map(({ finishReason }) => finishReason)).toEqual(prompts.map(() => 'stop'));
      expect(told).toEqual(whole.map((tokens, row) => tokens.slice(0, row + 1)));
      expect(found.map(({ tokens }) => [...tokens])).toEqual(told);
      expect(progress).toBe(told.flat().length);
    });

    it('drawn alike wherever a prompt stands in the list', async () => {
      const drawn = { temperature: 1.2, samples: 2 };
      const pairs = (flat: readonly number[][]) => prompts.map((_, at) => flat.slice(2 * at, 2 * at + 2));
      const all = pairs(await answers(drawn));
      const without = await answers(drawn, prompts.slice(2));
      expect(without).toEqual(all.slice(2).flat());
      // Equal prompts draw apart.
      const [same] = prompts;
      const twice = await answers({ temperature: 1.2 }, [same!, same!]);
      expect(twice[0]).toEqual(all[0]?.[0]);
      expect(twice[1]).not.toEqual(twice[0]);
      // Unless they have a key, which then is all that counts.
      const keyed = await answers({ temperature: 1.2, keys: ['7', '7'] }, [same!, same!]);
      expect(keyed[1]).toEqual(keyed[0]);
      expect(keyed[0]).not.toEqual(all[0]?.[0]);
      await expect(answers({ keys: ['7'] })).rejects.toThrow('1 keys for 7 prompts');
    });

    it('until it is stopped, and works on', async () => {
      const reason = new Error('enough');
      await expect(answers({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const abort = new AbortController();
      let tokens = 0;
      const onToken = () => {
        if (++tokens === 20) abort.abort(reason);
        return false;
      };
      await expect(answers({ signal: abort.signal, onToken })).rejects.toBe(reason);
      expect(tokens).toBeLessThan(20 + prompts.length);
      expect(await answers({}, [])).toEqual([]);
      expect(await answers()).toHaveLength(prompts.length);
    });

    it('beside scoring', async () => {
      const before = await answers();
      const row = { prompt: prompts[0]!, chosen: prompts[1]!, rejected: prompts[2]! };
      const logps = await engine.score([row], adapter);
      expect(await answers()).toEqual(before);
      expect(await engine.score([row], adapter)).toEqual(logps);
    });

    it('beside gradients', async () => {
      const alone = await answers();
      const row = { prompt: prompts[0]!, chosen: prompts[1]!, rejected: prompts[2]! };
      const gradientsOf = (objective: Objective) =>
        engine.gradients({ rows: [row], adapter, objective, constants: {} });
      const both = [answers(), answers({ batchSize: 1 })];
      // Of another kind: what the first kind holds is let go.
      for (const name of ['sft', 'orpo']) await gradientsOf(createObjective({ name }));
      expect(await Promise.all(both)).toEqual([alone, alone]);
    });

    it('beside other answers, of which one fails', async () => {
      const alone = await answers();
      const broken = () => {
        throw new Error('a caller’s mistake');
      };
      const both = [answers({ onToken: broken }), answers()];
      await expect(both[0]).rejects.toThrow('a caller’s mistake');
      expect(await both[1]).toEqual(alone);
    });

    it('in a batch that stays open: calls join and leave it, each as if it were alone', async () => {
      const drawn = { temperature: 1.2, samples: 2, seed: 3 };
      const alone = await answers();
      const expected = await answers(drawn);
      const open = engine.openGeneration(adapter, { batchSize: 3 });
      const [abort, reason] = [new AbortController(), new Error('the client has left')];
      const joined: Promise<PromiseSettledResult<readonly Generated[]>[]>[] = [];
      const join = (made: Promise<readonly Generated[]>) => joined.push(Promise.allSettled([made]));
      let seen = 0;
      const onToken = () => {
        // Between two tokens of the first call one joins that ends as the others go on, and one that leaves.
        if (++seen === 5) join(open.generate(prompts, { ...drawn, maxNewTokens: 12, stopTokens: none }));
        if (seen === 9) {
          const options = { maxNewTokens: 50, stopTokens: none, signal: abort.signal };
          join(open.generate(prompts.slice(0, 1), options));
        }
        if (seen === 30) abort.abort(reason);
        return false;
      };
      const first = await open.generate(prompts, { maxNewTokens: 12, stopTokens: none, onToken });
      expect(first.map(({ tokens }) => [...tokens])).toEqual(alone);
      const [second, left] = (await Promise.all(joined)).flat();
      const { value } = second as PromiseFulfilledResult<readonly Generated[]>;
      expect(value.map(({ tokens }) => [...tokens])).toEqual(expected);
      expect(left).toMatchObject({ status: 'rejected', reason });
      await open.close();
      const late = open.generate(prompts, { maxNewTokens: 1, stopTokens: none });
      await expect(late).rejects.toThrow('the generation was closed');
      expect(() => engine.openGeneration(adapter, { batchSize: 0 })).toThrow('batch-size: expected');
    });

    it('until an open batch is closed, whatever is in work', async () => {
      const open = engine.openGeneration(adapter);
      let closed: Promise<void> | undefined;
      const onToken = () => {
        closed ??= open.close();
        return false;
      };
      const cut = open.generate(prompts, { maxNewTokens: 50, stopTokens: none, onToken });
      await expect(cut).rejects.toThrow('the generation was closed');
      await closed;
      expect(await answers()).toHaveLength(prompts.length);
    });
  });

  it(`${name} ends what it generates when it is closed`, async () => {
    const [[modelName, adapterName]] = TINY_MODELS;
    const { model, adapter } = await openTiny(modelName, adapterName);
    const engine = await open(model);
    let closed: Promise<void> | undefined;
    const onToken = () => {
      closed ??= engine.close();
      return false;
    };
    const options = { maxNewTokens: 50, stopTokens: none, onToken };
    await expect(engine.generate([Int32Array.of(1, 2)], adapter, options)).rejects.toThrow('was closed');
    await closed;
    await expect(engine.generate([Int32Array.of(1, 2)], adapter, options)).rejects.toThrow('was closed');
    await engine.close();

    const other = await open(model);
    const batch = other.openGeneration(adapter);
    const cut = batch.generate([Int32Array.of(1, 2)], { maxNewTokens: 500, stopTokens: none });
    const refused = expect(cut).rejects.toThrow('was closed');
    await other.close();
    await refused;
    await batch.close();
  });

  it(`${name} takes memory for what is said, not for what may be said`, async () => {
    const [[modelName, adapterName]] = TINY_MODELS;
    const { model: short, adapter } = await openTiny(modelName, adapterName);
    const engine = await open({ ...short, config: { ...short.config, maxPositions: 2 ** 30 } });
    try {
      const prompts = [3, 9, 4].map((length) => new Int32Array(length).fill(5));
      const say = async (maxNewTokens: number) => {
        const counts = [0, 0, 0];
        let most = 0;
        const onToken = (answer: number) => {
          most = Math.max(most, process.memoryUsage().arrayBuffers);
          return ++counts[answer]! === 6;
        };
        const before = process.memoryUsage().arrayBuffers;
        const found = await engine.generate(prompts, adapter, { maxNewTokens, stopTokens: none, onToken });
        return { tokens: found.map(({ tokens }) => [...tokens]), taken: most - before };
      };
      const { tokens } = await say(6);
      const much = await say(1e9);
      expect(much.tokens).toEqual(tokens);
      expect(much.taken).toBeLessThan(20e6);
    } finally {
      await engine.close();
    }
  });

  it(`${name} takes prompts longer than one piece of work`, async () => {
    const [[modelName, adapterName]] = models as [(typeof models)[number]];
    const { model: short, adapter } = await openTiny(modelName, adapterName);
    const model = { ...short, config: { ...short.config, maxPositions: 2048 } };
    const engine = await open(model);
    try {
      const random = Random.fromSeed(3);
      const prompts = [5, 600].map((length) =>
        Int32Array.from({ length }, () => random.integer(model.config.vocabularySize)),
      );
      const found = await engine.generate(prompts, adapter, { maxNewTokens: 3, stopTokens: none });
      found.forEach(({ tokens }, row) => {
        referenceLogits(model, adapter, prompts[row] as Int32Array, tokens).forEach((logits, at) => {
          expect(logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))).toBe(tokens[at]);
        });
      });
    } finally {
      await engine.close();
    }
  });
}
