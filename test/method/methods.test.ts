import { describe, expect, it } from 'vitest';
import { findMethod, methods } from '../../src/method/index.ts';
import { nothingRemembered } from '../../src/method/method.ts';
import { createObjective } from '../../src/objective/index.ts';
import { beginMethod, smallAdapter, stageEnd, valuesOf } from './small-adapters.ts';

const names = ['lifealign', 'er', 'ewc', 'gem', 'cppo', 'olora', 'l2p', 'seqft', 'stl', 'mtl'];

describe('methods', () => {
  it('are found by name, each with an objective that exists and settings that need no value', () => {
    expect(methods.map((method) => method.name)).toEqual(names);
    for (const method of methods) {
      expect(findMethod(method.name)).toBe(method);
      expect(createObjective(method.defaults.objective).responses).toBe('pair');
      expect(method.settings.safeParse({}).success).toBe(true);
      expect(method.settings.safeParse({ no_such: 1 }).success).toBe(false);
    }
  });

  it('have the defaults of the paper and of their sources', () => {
    const defaults = methods.map(({ name, settings, defaults: { objective, replay, consolidation } }) => [
      name,
      { ...settings.parse({}), objective: objective.name, replay, consolidation },
    ]);
    const dpo = { objective: 'dpo', replay: 'off', consolidation: null };
    expect(Object.fromEntries(defaults)).toEqual({
      lifealign: { objective: 'fpo', replay: 'on', consolidation: { threshold: 0.9, lambda: 0.5 } },
      er: { ...dpo, replay: 'on' },
      ewc: { ...dpo, lambda: 0.1, terms: 'all' },
      gem: { ...dpo, margin: 0.1, decay: 0.9 },
      cppo: { ...dpo, retention: 0.1, deviations: 1 },
      olora: { ...dpo, orthogonality: 0.1, l2: 0.01 },
      l2p: { ...dpo, pool_size: 10, prompt_length: 5, top_k: 3, key_weight: 0.5 },
      seqft: dpo,
      stl: { ...dpo, replay: 'never' },
      mtl: { ...dpo, replay: 'never' },
    });
  });

  it('are listed where a name is unknown', () => {
    expect(() => findMethod('seqf')).toThrow(
      `unknown method "seqf"; expected one of ${names.join(', ')}. Did you mean "seqft"?`,
    );
  });

  it('refuse settings that they do not have, or out of range', () => {
    expect(() => beginMethod('ewc', { lambda: -1 })).toThrow();
    expect(() => beginMethod('seqft', { lambda: 1 })).toThrow();
  });
});

describe('lifealign', () => {
  const consolidation = { threshold: 1, lambda: 0.5 };
  const earlier = { running: new Map(), finished: [smallAdapter(1, 0).tensors] };

  it('halves what a stage did along earlier directions, and remembers what it kept', async () => {
    const method = beginMethod('lifealign', {}, { consolidation, remembered: earlier });
    const stage = { ...stageEnd(smallAdapter(2, 3)), before: smallAdapter(0, 0) };
    const result = await method.endStage!(stage);
    expect(valuesOf(result.adapter)).toEqual([1, 3]);
    expect(method.state!().finished.map((tensors) => [...tensors.get('A')!.data])).toEqual([
      [1, 0],
      [1, 3],
    ]);
    expect(earlier.finished).toHaveLength(1);
  });

  it('without consolidation does nothing of its own', () => {
    expect(beginMethod('lifealign', {}, { consolidation: null })).toEqual({});
  });
});

describe('the references', () => {
  it('stl starts every task from the beginning, er and seqft do nothing of their own', () => {
    const initial = smallAdapter(1);
    const method = beginMethod('stl', {}, { initial, remembered: nothingRemembered });
    expect(method.startTask!(3, smallAdapter(2))).toBe(initial);
    expect([beginMethod('er'), beginMethod('seqft')]).toEqual([{}, {}]);
  });
});
