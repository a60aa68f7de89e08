import { describe, expect, it } from 'vitest';
import { overlapOf, shared } from '../../src/learn/overlap.ts';
import { type LoraAdapter, type LoraTensor, loraTensorName } from '../../src/model/adapter.ts';

/** An adapter of rank 1 with one module in layer 0 and one in layer 1; two numbers for each A, one for each B. */
function adapter(
  layer0: readonly [number, number, number],
  layer1: readonly [number, number, number],
): LoraAdapter {
  const tensors = [layer0, layer1].flatMap(([a0, a1, b], layer): [string, LoraTensor][] => {
    const path = `model.layers.${layer}.self_attn.q_proj`;
    return [
      [loraTensorName(path, 'A'), { shape: [1, 2], data: Float32Array.of(a0, a1) }],
      [loraTensorName(path, 'B'), { shape: [1, 1], data: Float32Array.of(b) }],
    ];
  });
  return { settings: { rank: 1, alpha: 1, targets: ['q_proj'] }, tensors: new Map(tensors) };
}

const change = adapter([3, 4, 0], [1, 1, 2]);

describe('the share of a change along directions', () => {
  it('is that of its energy, by layer and in all', () => {
    // Layer 0: of 3² + 4² = 25, the direction (1, 0) has 9. Layer 1: of 1² + 1² + 2² = 6, (1, 1) has 2 and b 4.
    const direction = adapter([5, 0, 0], [-2, -2, 7]);
    expect(shared([change], [direction])).toEqual({
      total: expect.closeTo((100 * (9 + 6)) / 31, 9),
      layers: [
        { layer: 0, share: expect.closeTo(36, 9) },
        { layer: 1, share: expect.closeTo(100, 9) },
      ],
    });
  });

  it('is nothing along nothing, and of nothing', () => {
    const nothing = adapter([0, 0, 0], [0, 0, 0]);
    expect(shared([change], [nothing]).total).toBe(0);
    expect(shared([nothing], [change]).total).toBe(0);
    expect(shared([change], []).total).toBe(0);
  });

  it('of several changes is that of their energies together', () => {
    const other = adapter([0, 5, 0], [0, 0, 0]);
    expect(shared([change, other], [adapter([1, 0, 0], [0, 0, 0])]).total).toBeCloseTo(
      (100 * 9) / (31 + 25),
      9,
    );
  });
});

describe('the overlap of a task', () => {
  const task = { task: 'new', shortTerm: [change], refined: [change] };
  const of = (name: string, ...refined: LoraAdapter[]) => ({ task: name, shortTerm: [], refined });

  it('is told for each earlier task and for all of them, whose directions are not orthogonal', () => {
    const earlier = [of('x', adapter([1, 0, 0], [0, 0, 0])), of('xy', adapter([1, 1, 0], [0, 0, 0]))];
    const { earlier: shares, together } = overlapOf(task, earlier);
    // (3, 4) along (1, 1) has (3 + 4)² / 2 = 24.5.
    expect(shares.map(({ task: name, total }) => [name, total])).toEqual([
      ['x', expect.closeTo(900 / 31, 9)],
      ['xy', expect.closeTo(2450 / 31, 9)],
    ]);
    expect(together!.total).toBeCloseTo(2500 / 31, 9);
  });

  it('has nothing to be held against in the first task', () => {
    expect(overlapOf(task, [])).toEqual({ task: 'new', earlier: [], together: null });
  });
});
