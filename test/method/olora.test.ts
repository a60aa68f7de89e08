import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastOfStack, stackAdapters } from '../../src/method/stacked-adapter.ts';
import { asLora, type LoraAdapter, type LoraTensor } from '../../src/model/adapter.ts';
import { Random } from '../../src/support/random.ts';
import { toyModel } from '../train/toy-engine.ts';
import { gradientCalls, runMethod, taskAdapter } from './runs.ts';
import { beginMethod } from './small-adapters.ts';

const settings = { rank: 2, alpha: 6, targets: ['q_proj', 'v_proj'] };
/** Of random numbers, B's among them. */
const adapter = (seed: number): LoraAdapter => {
  const fresh = toyModel.createAdapter(settings, Random.fromSeed(seed));
  const random = Random.fromSeed(seed).fork('values');
  const drawn = ({ shape, data }: LoraTensor) => ({ shape, data: data.map(() => 2 * random.uniform() - 1) });
  return { settings, tensors: new Map(Array.from(fresh.tensors, ([name, tensor]) => [name, drawn(tensor)])) };
};
const [aName, bName] = adapter(0).tensors.keys() as unknown as [string, string];

/** (alpha / rank) · B A of one module, row-major. */
function update({ tensors, settings: { rank, alpha } }: LoraAdapter): number[] {
  const [a, b] = [tensors.get(aName)!, tensors.get(bName)!];
  const [rows, columns] = [b.shape[0], a.shape[1]];
  expect([a.shape[0], b.shape[1]]).toEqual([rank, rank]);
  return Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let r = 0; r < rank; r++) {
      sum += b.data[Math.floor(at / columns) * rank + r]! * a.data[r * columns + (at % columns)]!;
    }
    return (alpha / rank) * sum;
  });
}

describe('adapters stacked', () => {
  const all = [adapter(1), adapter(2), adapter(3)];
  const stack = stackAdapters(
    all.map(({ tensors }) => tensors),
    settings,
  );

  it('are one that computes their sum', () => {
    expect(stack.settings).toEqual({ ...settings, rank: 6, alpha: 18 });
    const sums = all.map(update).reduce((one, other) => one.map((value, at) => value + other[at]!));
    update(stack).forEach((value, at) => {
      expect(value).toBeCloseTo(sums[at]!, 10);
    });
  });

  it('give back the last one, to the last bit', () => {
    expect(lastOfStack(stack, settings)).toEqual(all[2]);
  });
});

describe('the penalty', () => {
  const names = ['base_model.model.q.lora_A.weight', 'base_model.model.q.lora_B.weight'] as const;
  const matrices = (a: number[], b: number[]) =>
    new Map<string, LoraTensor>([
      [names[0], { shape: [1, a.length], data: Float32Array.from(a) }],
      [names[1], { shape: [b.length, 1], data: Float32Array.from(b) }],
    ]);
  const small = { rank: 1, alpha: 1, targets: ['q'] };
  const penaltyOf = (given: object, past: number[][], a: number[], b: number[]) => {
    const initial = { settings: small, tensors: matrices(a, b) };
    const remembered = { running: new Map(), finished: past.map((row) => matrices(row, [1])) };
    return beginMethod('olora', given, { initial, remembered }).penalty!(initial, []);
  };

  it('by hand: the overlaps’ absolute values, and the norms', () => {
    const { value, gradients } = penaltyOf(
      { orthogonality: 2, l2: 0.5 },
      [
        [1, -2],
        [-1, 0],
      ],
      [3, 4],
      [0],
    );
    // |3 - 8| = 5 and |-3| = 3; ‖A‖ = 5, ‖B‖ = 0.
    expect(value).toBeCloseTo(2 * (5 + 3) + 0.5 * 5, 6);
    const [x, y] = gradients.get(names[0])!;
    expect([x, y]).toEqual([expect.closeTo(2 * (-1 + 1) + 0.3, 6), expect.closeTo(2 * 2 + 0.4, 6)]);
    expect([...gradients.get(names[1])!]).toEqual([0]);
  });

  it('has the gradient of its value', () => {
    const number = fc.float({ min: Math.fround(0.2), max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.array(number, { minLength: 3, maxLength: 3 }), number, ([x, y, z], b) => {
        const past = [
          [1, 2, -1.5],
          [-0.5, 1, 1],
        ];
        const at = (shift: number) => penaltyOf({}, past, [x! + shift, y!, z!], [b]);
        const overlaps = past.map((row) => row[0]! * x! + row[1]! * y! + row[2]! * z!);
        fc.pre(overlaps.every((overlap) => Math.abs(overlap) > 0.1));
        const slope = (at(1e-2).value - at(-1e-2).value) / 2e-2;
        expect(at(0).gradients.get(names[0])![0]).toBeCloseTo(slope, 3);
      }),
    );
  });
});

describe('in a run', () => {
  const three = ['low', 'high', 'last'].map((name, at) => {
    const file = ['low', 'high', 'low'][at];
    return { name, train: `${file}-train.json`, test: `${file}-test.json` };
  });
  const stage = { epochs: 1, batch_size: 4, learning_rate: 0.05, weight_decay: 0.5, warmup_ratio: 0 };
  const changes = { tasks: three, stages: { sft: stage, preference: stage } };

  it('earlier tasks’ adapters stay to the last bit, under weight decay too', async () => {
    const { output, engine, steps } = await runMethod('olora', changes);
    const [first, second, third] = await Promise.all(
      ['1-low', '2-high', '3-last'].map((task) => taskAdapter(output, task)),
    );
    const lora = { ...first!.settings, rank: 2, alpha: 4 };
    const latest = (adapter: LoraAdapter) => lastOfStack(adapter, lora).tensors;
    expect([first!, second!, third!].map(({ settings: { rank, alpha } }) => [rank, alpha])).toEqual([
      [2, 4],
      [4, 8],
      [6, 12],
    ]);
    const rebuilt = stackAdapters([first!.tensors, latest(second!), latest(third!)], lora);
    expect(third!.tensors).toEqual(rebuilt.tensors);
    expect(latest(third!)).not.toEqual(latest(second!));
    // The last step of the last task began with the others in place.
    const adapter = asLora(gradientCalls(engine).at(-1)!.adapter!);
    expect(stackAdapters([first!.tensors, latest(second!), latest(adapter)], lora)).toEqual(adapter);
    expect(Number(steps.at(-1)!['penalty'])).toBeGreaterThan(Number(steps[0]!['penalty']));
  });

  it('a task begins where the one before ended: its new adapter adds nothing', async () => {
    const { output, engine } = await runMethod('olora', changes);
    const first = await taskAdapter(output, '1-low');
    // 18 rows in batches of 4, one epoch each of two stages.
    const adapter = asLora(gradientCalls(engine)[10]!.adapter!);
    expect(adapter.settings.rank).toBe(4);
    expect(update(adapter)).toEqual(update(first));
  });
});
