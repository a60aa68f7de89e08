import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ReplayBuffer,
  type ReplayEntry,
  type ReplaySettings,
  replayPolicies,
} from '../../src/data/replay-buffer.ts';
import { Random } from '../../src/support/random.ts';

type Payload = { chosen: number };

function task(name: string, count: number): ReplayEntry<Payload>[] {
  return Array.from({ length: count }, (_, index) => ({
    task: name,
    row: { index, prompt: [{ role: 'user', content: `${name} ${index}` }], chosen: 'a', rejected: 'b' },
    payload: { chosen: -index / 3 },
  }));
}

const labels = (buffer: ReplayBuffer<Payload>) =>
  buffer.entries.map(({ task: name, row }) => `${name}${row.index}`);
const settings = (policy: ReplaySettings['policy'], capacity: number, fraction = 0.2) => ({
  policy,
  capacity,
  fraction,
});

describe('paper policy', () => {
  it('takes a random fifth, decided by the seed', () => {
    const empty = new ReplayBuffer<Payload>(settings('paper', 3000));
    const once = labels(empty.withTask(task('a', 100), Random.fromSeed(1)));
    expect(once).toHaveLength(20);
    expect(new Set(once).size).toBe(20);
    expect(labels(empty.withTask(task('a', 100), Random.fromSeed(1)))).toEqual(once);
    expect(labels(empty.withTask(task('a', 100), Random.fromSeed(2)))).not.toEqual(once);
    expect(once).not.toEqual(Array.from({ length: 20 }, (_, index) => `a${index}`));
  });

  it('lets the oldest leave when full', () => {
    const first = new ReplayBuffer<Payload>(settings('paper', 5)).withTask(task('a', 20), Random.fromSeed(0));
    const second = first.withTask(task('b', 15), Random.fromSeed(0));
    // Four of a, then three of b, into five places: two of a are left, the later ones.
    expect(labels(second).map((label) => label[0])).toEqual(['a', 'a', 'b', 'b', 'b']);
    expect(labels(second).slice(0, 2)).toEqual(labels(first).slice(2));
  });
});

describe('reference policy', () => {
  it('takes the first fifth and, when full, lets the newest not in', () => {
    const random = Random.fromSeed(0);
    const buffer = new ReplayBuffer<Payload>(settings('reference', 3))
      .withTask(task('a', 10), random)
      .withTask(task('b', 10), random);
    expect(labels(buffer)).toEqual(['a0', 'a1', 'b0']);
    expect(random.uniform()).toBe(Random.fromSeed(0).uniform());
  });
});

it('rounds the share down to whole rows', () => {
  for (const [count, entered] of [
    [4, 0],
    [5, 1],
    [9, 1],
    [10, 2],
    [2985, 597],
  ] as const) {
    const buffer = new ReplayBuffer<Payload>(settings('paper', 3000));
    expect(buffer.withTask(task('a', count), Random.fromSeed(0)).entries).toHaveLength(entered);
  }
});

it('holds at most its capacity, and only rows that were offered', () => {
  const stream = fc.array(fc.nat({ max: 30 }), { maxLength: 6 });
  const policy = fc.constantFrom(...replayPolicies);
  const capacities = fc.nat({ max: 12 });
  const fractions = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(policy, capacities, fractions, stream, (kind, capacity, fraction, counts) => {
      let buffer = new ReplayBuffer<Payload>(settings(kind, capacity, fraction));
      for (const [k, count] of counts.entries()) {
        const before = buffer.entries.length;
        buffer = buffer.withTask(task(`t${k}-`, count), Random.fromSeed(k));
        const entered = Math.floor(fraction * count);
        expect(buffer.entries.length).toBe(Math.min(capacity, before + entered));
        expect(new Set(labels(buffer)).size).toBe(buffer.entries.length);
      }
    }),
  );
});
