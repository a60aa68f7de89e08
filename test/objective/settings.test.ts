/** What a config may say of an objective, and that all of it reaches the computation. */
import { describe, expect, it } from 'vitest';
import { createObjective, parseObjectiveSettings } from '../../src/objective/index.ts';
import { UserError } from '../../src/support/errors.ts';
import { evaluateObjective } from './evaluate-objective.ts';
import { SAMPLE, VARIANTS } from './variants.ts';

const NAMES = ['sft', 'fpo', 'dpo', 'ipo', 'simpo', 'orpo', 'kto', 'hinge'];
const loss = (settings: unknown) => evaluateObjective(createObjective(settings), SAMPLE).loss;

describe('parseObjectiveSettings', () => {
  it.each(NAMES)('fills in the defaults of %s and passes its own result', (name) => {
    const settings = parseObjectiveSettings({ name });
    expect(parseObjectiveSettings(settings)).toEqual(settings);
    expect(createObjective(settings).name).toBe(name);
  });

  it('has the paper’s defaults for FPO', () => {
    expect(parseObjectiveSettings({ name: 'fpo' })).toEqual({
      name: 'fpo',
      beta: 0.1,
      gamma: 2,
      label_smoothing: 0,
    });
  });

  it.each([
    [{ name: 'fpoo' }, /objective\.name.*Did you mean "fpo"\?/],
    [{ name: 3 }, /objective\.name: expected one of sft, fpo/],
    [{}, /objective\.name/],
    ['fpo', /expected settings such as \{name: fpo/],
    [null, /expected settings/],
    [['fpo'], /expected settings/],
    [{ name: 'fpo', gama: 2 }, /objective\.gama: "fpo" has no such setting.*Did you mean "gamma"\?/],
    [
      { name: 'dpo', gamma: 2 },
      /objective\.gamma: "dpo" has no such setting \(its settings: beta, label_smoothing\)/,
    ],
    [{ name: 'sft', beta: 1 }, /its settings: none/],
    [{ name: 'fpo', beta: 0 }, /objective\.beta/],
    [{ name: 'fpo', beta: '0.1' }, /objective\.beta/],
    [{ name: 'fpo', beta: Number.POSITIVE_INFINITY }, /objective\.beta/],
    [{ name: 'fpo', gamma: -1 }, /objective\.gamma/],
    [{ name: 'dpo', label_smoothing: 0.5 }, /objective\.label_smoothing/],
    [{ name: 'ipo', length_normalized: 1 }, /objective\.length_normalized/],
  ])('refuses %j', (settings, message) => {
    expect(() => parseObjectiveSettings(settings)).toThrow(UserError);
    expect(() => parseObjectiveSettings(settings)).toThrow(message);
  });

  it('says where the settings stand', () => {
    expect(() => createObjective({ name: 'x' }, 'stages.sft.objective')).toThrow(
      /^stages\.sft\.objective\.name/,
    );
  });
});

describe('every setting reaches the computation', () => {
  const changes = VARIANTS.flatMap((variant) =>
    Object.entries(variant)
      .filter(([key]) => key !== 'name')
      .map(([key, value]) => ({ name: variant['name'] as string, key, value })),
  );

  it.each(changes)('$name $key = $value', ({ name, key, value }) => {
    expect(loss({ name, [key]: value })).not.toBe(loss({ name }));
    expect(createObjective({ name, [key]: value }).key).not.toBe(createObjective({ name }).key);
  });

  it('leaves none out', () => {
    for (const name of NAMES) {
      const settings = Object.keys(parseObjectiveSettings({ name })).filter((key) => key !== 'name');
      const changed = new Set(changes.filter((change) => change.name === name).map(({ key }) => key));
      expect([...changed].sort()).toEqual(settings.sort());
    }
  });

  it('and equal settings have equal keys, whatever their order', () => {
    const one = createObjective({ name: 'fpo', beta: 0.2, gamma: 1 });
    expect(createObjective({ gamma: 1, name: 'fpo', beta: 0.2 }).key).toBe(one.key);
  });
});

describe('what an objective declares', () => {
  it.each(NAMES)('%s reads no constant it does not name', (name) => {
    expect(() => loss({ name })).not.toThrow();
  });

  it('only SFT leaves the rejected responses out', () => {
    expect(NAMES.filter((name) => createObjective({ name }).responses === 'chosen')).toEqual(['sft']);
  });
});
