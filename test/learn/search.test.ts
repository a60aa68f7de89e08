import { describe, expect, it } from 'vitest';
import type { CandidateSettings } from '../../src/learn/candidate.ts';
import { grid, search } from '../../src/learn/gate/search.ts';

const own: CandidateSettings = { lambda: 0.5, threshold: 0.9, scale: 1 };

describe('the grid', () => {
  it('has every combination once, and not the one that was tried', () => {
    const combinations = grid(
      { lambda: [0.5, 0, 0.5], threshold: [0.9, 0.5], scale: [1], keep_gain: 0 },
      own,
    );
    expect(combinations).toEqual([
      { lambda: 0.5, threshold: 0.5, scale: 1 },
      { lambda: 0, threshold: 0.9, scale: 1 },
      { lambda: 0, threshold: 0.5, scale: 1 },
    ]);
  });
});

describe('the search', () => {
  const combinations = [0.25, 1, 0.5].map((scale) => ({ ...own, scale }));
  const kept = ({ scale }: CandidateSettings) => scale ** 2;

  it('tries what keeps most first and takes the first that passes', async () => {
    const judged: number[] = [];
    const { found, tried } = await search(combinations, kept, async ({ scale }, at) => {
      expect(at).toBe(judged.length);
      judged.push(scale);
      return { passed: scale <= 0.5 };
    });
    expect(judged).toEqual([1, 0.5]);
    expect(found?.settings.scale).toBe(0.5);
    expect(tried.map(({ settings, energyKept }) => [settings.scale, energyKept])).toEqual([
      [1, 1],
      [0.5, 0.25],
    ]);
  });

  it('finds nothing where none passes, and says what it tried', async () => {
    const { found, tried } = await search(combinations, kept, async () => ({ passed: false }));
    expect(found).toBeNull();
    expect(tried).toHaveLength(3);
  });
});
