import { describe, expect, it } from 'vitest';
import { curve } from '../../src/eval/report/curves.ts';
import {
  contrast,
  HEAT_STEPS,
  heatClass,
  heatColours,
  heatScale,
} from '../../src/eval/report/page/colours.ts';
import type { ConsolidatedMatrix, Step } from '../../src/eval/report/record/files.ts';
import { oldShare, spectrumOf } from '../../src/eval/report/stages.ts';

function step(task: string, stage: Step['stage'], loss: number): Step {
  return {
    task,
    stage,
    step: 1,
    loss,
    'rewards/margins': null,
    'rewards/accuracies': null,
    'focal/mean': stage === 'sft' ? null : loss,
    'focal/min': stage === 'sft' ? null : loss - 1,
    'focal/max': stage === 'sft' ? null : loss + 1,
    tokens_per_second: 1,
  };
}

describe('a curve over a step log', () => {
  it('is the log itself while it is short, broken where a stage ends', () => {
    const steps = [step('a', 'sft', 3), step('a', 'sft', 2), step('b', 'sft', 5)];
    const points = curve(steps, { value: ({ loss }) => loss });
    expect(points).toEqual([
      { step: 1, value: 3, low: 3, high: 3, starts: true },
      { step: 2, value: 2, low: 2, high: 2, starts: false },
      { step: 3, value: 5, low: 5, high: 5, starts: true },
    ]);
  });

  it('is means of neighbours when it is long, never over the border of stages', () => {
    // 500 steps: buckets of three. The first stage's 250 end with one of a single step.
    const steps = Array.from({ length: 500 }, (_, at) => step('a', at < 250 ? 'sft' : 'preference', at));
    const points = curve(steps, {
      value: (one) => one['focal/mean'],
      low: (one) => one['focal/min'],
      high: (one) => one['focal/max'],
    });
    expect(points).toHaveLength(84);
    expect(points[0]).toEqual({ step: 252, value: 251, low: 249, high: 253, starts: true });
    const losses = curve(steps, { value: ({ loss }) => loss });
    expect(losses[83]).toEqual({ step: 250, value: 249, low: 249, high: 249, starts: false });
    expect(losses[84]).toMatchObject({ value: 251, starts: true });
  });
});

describe('spectra', () => {
  const matrix = (
    name: string,
    values: number[],
    kept: number,
    parallel = 0,
    denoised = 1,
  ): ConsolidatedMatrix => ({
    name: `model.layers.0.${name}.weight`,
    shape: [4, 4],
    singular_values: values,
    kept_rank: kept,
    energy: { short_term: 1, denoised, parallel, refined: 1 },
    history_rows: 0,
    history_rank: 0,
  });

  it('are medians and the middle 80 % of normalised values, of one kind of matrix', () => {
    const matrices = [0, 1, 2, 3, 4].map((at) => matrix('q.lora_A', [2, at / 2], at));
    const others = [matrix('q.lora_B', [1, 1], 9), matrix('v.lora_A', [0, 0], 9)];
    // Seconds over firsts: 0, 0.25, 0.5, 0.75, 1; a tenth of the way from 0 to 1 is 0.1.
    expect(spectrumOf([...matrices, ...others], 'lora_A')).toEqual({
      matrices: 5,
      values: [
        { low: 1, median: 1, high: 1 },
        { low: 0.1, median: 0.5, high: 0.9 },
      ],
      medianRank: 2,
    });
    expect(spectrumOf([], 'lora_A')).toBeNull();
  });

  it('have shares by energy, 0 where nothing changed', () => {
    expect(oldShare([matrix('a', [1], 1, 1, 3), matrix('b', [1], 1, 0, 1)])).toBe(25);
    expect(oldShare([matrix('a', [0], 0, 0, 0)])).toBe(0);
  });
});

describe('the heatmap’s colours', () => {
  it.each([
    ['sequential', 'light'],
    ['sequential', 'dark'],
    ['diverging', 'light'],
    ['diverging', 'dark'],
  ] as const)('carry text that can be read: %s, %s', (kind, scheme) => {
    const colours = heatColours(kind, scheme);
    expect(colours).toHaveLength(HEAT_STEPS);
    for (const { background, ink } of colours) expect(contrast(background, ink)).toBeGreaterThanOrEqual(4.5);
  });

  it('know the contrast of black on white and of grey on white', () => {
    expect(contrast('#000000', 'rgb(255, 255, 255)')).toBe(21);
    // The darkest grey that fails on white by the guidelines' own example.
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
  });

  it('go from one end to the other, and stay within', () => {
    const scale = heatScale('sequential', [3, null, 97]);
    expect(scale).toEqual({ kind: 'sequential', low: 0, high: 100 });
    expect([0, 50, 100, -5, 200].map((value) => heatClass(value, scale))).toEqual([
      'q0',
      'q12',
      'q24',
      'q0',
      'q24',
    ]);
    const around = heatScale('diverging', [-1, 4]);
    expect([-4, 0, 4].map((value) => heatClass(value, around))).toEqual(['d0', 'd12', 'd24']);
    expect(heatClass(5, heatScale('sequential', [5, 5]))).toBe('q12');
  });
});
