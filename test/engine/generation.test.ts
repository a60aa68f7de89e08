/** The order of work in generation, over a step that says what it was asked, and the cache's memory. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { AnswerRequest } from '../../src/engine/generation/answer.ts';
import { Generation } from '../../src/engine/generation/generation.ts';
import type { NewTokens } from '../../src/engine/generation/step.ts';
import { KeyValueCache } from '../../src/engine/ort/generation/key-value-cache.ts';
import type { DecoderConfig } from '../../src/model/config.ts';
import { cacheInput, decodingGraph, newOutput } from '../../src/model/graph/decode.ts';
import { Parameters } from '../../src/model/graph/parameters.ts';
import { Random } from '../../src/support/random.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';
import { openTiny, TINY_MODELS } from '../model/tiny.ts';

let config: DecoderConfig;
beforeAll(async () => {
  const [[name, adapter]] = TINY_MODELS;
  ({ config } = (await openTiny(name, adapter)).model);
});

/** A prompt that begins with it overflows. */
const BROKEN = 99;

/** Counts upwards: after token t comes t + 1. */
function counting(slots: number) {
  const runs: NewTokens[][] = [];
  const run = async (rows: readonly NewTokens[]) => {
    runs.push([...rows]);
    const names = ['keys', 'values'].flatMap((side) =>
      Array.from({ length: config.layers }, (_, layer) => newOutput(side as 'keys' | 'values', layer)),
    );
    const width = config.keyValueHeads * config.headSize;
    const numbers = rows.flatMap((row) =>
      new Array<number>(row.tokens.length * width).fill(row.tokens[0] === BROKEN ? Infinity : 1),
    );
    const fresh = () => Float32Array.from(numbers);
    const outputs = Object.fromEntries(names.map((name) => [name, fresh()]));
    const logits = rows.map((row) => {
      const next = new Float32Array(3000);
      next[(row.tokens[row.tokens.length - 1] as number) + 1] = row.tokens[0] === BROKEN ? Infinity : 1;
      return next;
    });
    return { logits, outputs };
  };
  const cache = new KeyValueCache(config);
  return { runs, cache, generation: new Generation({ run }, cache, slots) };
}

const promptOf = (tokens: readonly number[]) => Int32Array.from(tokens);
const request = (prompt: AnswerRequest['prompt'], more: Partial<AnswerRequest> = {}): AnswerRequest => ({
  ...{ prompt, limit: 3, sampling: {}, stopTokens: new Set<number>(), random: Random.fromSeed(1) },
  ...more,
});
const lengths = (runs: readonly (readonly NewTokens[])[]) =>
  runs.map((rows) => rows.map(({ tokens }) => tokens.length));

describe('answers', () => {
  it('to different prompts begin together, however many there are to each', async () => {
    const { runs, generation } = counting(16);
    const prompts = [[10], [20, 21], [30]].map(promptOf);
    const made = prompts.flatMap((prompt) => [1, 2].map(() => generation.add(request(prompt))));
    const tokens = (await Promise.all(made)).map((one) => [...one.tokens]);
    const expected = [
      [11, 12, 13],
      [22, 23, 24],
      [31, 32, 33],
    ];
    expect(tokens).toEqual(expected.flatMap((one) => [one, one]));
    expect(lengths(runs)).toEqual([[1, 2, 1], new Array(6).fill(1), new Array(6).fill(1)]);
  });

  it('go on between the pieces of a long prompt', async () => {
    const { runs, generation } = counting(2);
    const long = promptOf(Array.from({ length: 1200 }, (_, at) => at));
    const short = generation.add(request(promptOf([5]), { limit: 9 }));
    const both = await Promise.all([short, generation.add(request(long))]);
    expect(both.map(({ tokens }) => [...tokens])).toEqual([
      [6, 7, 8, 9, 10, 11, 12, 13, 14],
      [1200, 1201, 1202],
    ]);
    expect(lengths(runs).slice(0, 7)).toEqual([[1], [512], [1], [512], [1], [176], [1, 1]]);
  });

  it('that end while a long prompt is computed leave it whole', async () => {
    const { runs, generation } = counting(3);
    const long = promptOf(Array.from({ length: 1200 }, (_, at) => at));
    const short = [5, 6].map((token) => generation.add(request(promptOf([token]), { limit: 2 })));
    const both = [long, long].map((prompt) => generation.add(request(prompt)));
    const found = await Promise.all([...short, ...both]);
    expect(found.map(({ tokens }) => [...tokens])).toEqual([
      [6, 7],
      [7, 8],
      [1200, 1201, 1202],
      [1200, 1201, 1202],
    ]);
    expect(runs.filter((rows) => rows.some(({ tokens }) => tokens.length > 100))).toHaveLength(3);
  });

  it('have each its own settings, signal and failure, and may be asked for at any time', async () => {
    const { generation } = counting(4);
    const abort = new AbortController();
    const stopped = request(promptOf([10]), { limit: 50, stopTokens: new Set([14]) });
    let late: Promise<unknown> | undefined;
    const onToken = (token: number) => {
      if (token !== 23) return false;
      late = generation.add(request(promptOf([40])));
      abort.abort(new Error('enough'));
      return false;
    };
    const made = [
      generation.add(stopped),
      generation.add(request(promptOf([20]), { limit: 50, onToken, signal: abort.signal })),
      generation.add(request(promptOf([30]), { limit: 6 })),
    ];
    const settled = await Promise.allSettled(made);
    expect(settled[0]).toMatchObject({ value: { finishReason: 'stop', tokens: { length: 4 } } });
    expect(settled[1]).toMatchObject({ reason: { message: 'enough' } });
    expect(settled[2]).toMatchObject({ value: { finishReason: 'length', tokens: { length: 6 } } });
    expect(await late).toMatchObject({ tokens: Int32Array.of(41, 42, 43) });
    // It has nothing to do by now, and begins again.
    expect(await generation.add(stopped)).toMatchObject({ tokens: { length: 4 } });
  });
});

describe('an answer that fails', () => {
  it('by what the model computes leaves nothing in its slot', async () => {
    const { cache, generation } = counting(2);
    const made = [[BROKEN], [5, 6]].map((tokens) => generation.add(request(promptOf(tokens))));
    const settled = await Promise.allSettled(made);
    expect(settled[0]).toMatchObject({ reason: { message: expect.stringContaining('not all finite') } });
    expect(settled[1]).toMatchObject({ value: { tokens: Int32Array.of(7, 8, 9) } });
    const { data } = cache.past(0, 2).feeds[cacheInput('keys', 0)]!;
    expect((data as Float32Array).every(Number.isFinite)).toBe(true);
  });

  it('for want of memory does so with all at work, and the next is served', async () => {
    const { cache, generation } = counting(2);
    const { resize } = KeyValueCache.prototype;
    cache.resize = () => {
      throw new Error('no memory');
    };
    const made = [[10], [20], [30]].map((tokens) => generation.add(request(promptOf(tokens))));
    const reasons = (await Promise.allSettled(made)).map((one) => 'reason' in one && one.reason.message);
    expect(reasons).toEqual(new Array(3).fill('no memory'));
    cache.resize = resize;
    expect(await generation.add(request(promptOf([5])))).toMatchObject({ finishReason: 'length' });
  });

  it('by what its caller does leaves others to its prompt as they are', async () => {
    const { runs, generation } = counting(1);
    const prompt = promptOf([10, 11]);
    const onToken = () => {
      throw new Error('a mistake');
    };
    const made = [generation.add(request(prompt, { onToken })), generation.add(request(prompt))];
    const [failed, other] = await Promise.allSettled(made);
    expect(failed).toMatchObject({ reason: { message: 'a mistake' } });
    expect(other).toMatchObject({ value: { tokens: Int32Array.of(12, 13, 14) } });
    // Its keys and values went with the first.
    expect(lengths(runs)).toEqual([[2], [2], [1], [1]]);
  });
});

describe('the cache', () => {
  const filled = () => {
    const cache = new KeyValueCache(config);
    cache.resize(2, 3);
    const width = config.keyValueHeads * config.headSize;
    const numbers = (from: number) => Float32Array.from({ length: 3 * width }, (_, at) => from + at);
    const outputs: Record<string, Float32Array> = {};
    for (let layer = 0; layer < config.layers; layer++) {
      outputs[newOutput('keys', layer)] = numbers(1000 * layer);
      outputs[newOutput('values', layer)] = numbers(1000 * layer + 500);
    }
    cache.write(outputs, [
      { slot: 1, start: 0, count: 2 },
      { slot: 0, start: 4, count: 1 },
    ]);
    return cache;
  };
  /** A token of a slot, as the graph would see it. */
  const token = (cache: KeyValueCache, slot: number, at: number) => {
    const { capacity, feeds } = cache.past(slot, 1);
    const { data } = feeds[cacheInput('values', 1)]!;
    const { keyValueHeads, headSize } = config;
    return Array.from({ length: keyValueHeads }, (_, head) => {
      const from = (head * capacity + at) * headSize;
      return [...(data as Float32Array).subarray(from, from + headSize)];
    }).flat();
  };
  const expected = (nth: number) => {
    const width = config.keyValueHeads * config.headSize;
    return Array.from({ length: width }, (_, at) => 1500 + nth * width + at);
  };

  it('holds what was written when it grows and shrinks, and what was copied', () => {
    const cache = filled();
    cache.resize(4, 300);
    expect(cache.past(0, 1).capacity).toBe(320);
    cache.copy(1, 3, 2);
    cache.resize(4, 70);
    expect(cache.past(0, 1).capacity).toBe(128);
    expect([token(cache, 1, 0), token(cache, 1, 1)]).toEqual([expected(0), expected(1)]);
    expect([token(cache, 3, 0), token(cache, 3, 1)]).toEqual([expected(0), expected(1)]);
    expect(token(cache, 0, 4)).toEqual(expected(2));
    cache.clear(3);
    expect(token(cache, 3, 1)).toEqual(expected(0).map(() => 0));
    expect(token(cache, 1, 1)).toEqual(expected(1));
  });

  it('that is more than the machine has is refused', () => {
    expect(() => new KeyValueCache(config).resize(1e6, 1e9)).toThrow(/1000000 answers.*smaller --batch-size/);
  });

  it('is no output of the decoding graph', () => {
    const graph = decodingGraph(config, new Parameters(null));
    verifyGraph(Object.values(graph));
    for (const { shape } of Object.values(graph)) expect(shape.join()).not.toContain('capacity');
  });
});
