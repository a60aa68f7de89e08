import { describe, expect, it } from 'vitest';
import { MemoryHistory } from '../../src/memory/consolidate-adapter.ts';
import { findMethod, methods } from '../../src/method/index.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { createObjective } from '../../src/objective/index.ts';

const adapter = (...values: number[]): Adapter => ({
  settings: { rank: 1, alpha: 1, targets: ['q_proj'] },
  tensors: new Map([['A', { shape: [1, values.length] as const, data: Float32Array.from(values) }]]),
});

describe('methods', () => {
  it('are found by name, each with an objective that exists', () => {
    expect(methods.map((method) => method.name)).toEqual(['lifealign', 'er', 'seqft', 'stl']);
    for (const method of methods) {
      expect(findMethod(method.name)).toBe(method);
      expect(createObjective(method.defaults.objective).responses).toBe('pair');
    }
  });

  it('are listed where a name is unknown', () => {
    expect(() => findMethod('seqf')).toThrow(
      'unknown method "seqf"; expected one of lifealign, er, seqft, stl. Did you mean "seqft"?',
    );
  });

  it('lifealign halves what a stage did along earlier directions', () => {
    const history = new MemoryHistory();
    history.append(adapter(1, 0));
    const stage = { before: adapter(0, 0), after: adapter(2, 3), history };
    const consolidation = { threshold: 1, lambda: 0.5 };
    const result = findMethod('lifealign').hooks.endStage!({ ...stage, consolidation });
    expect([...result.adapter.tensors.get('A')!.data]).toEqual([1, 3]);
    expect([...result.memory!.tensors.get('A')!.data]).toEqual([1, 3]);
  });

  it('lifealign without consolidation leaves the adapter as trained', () => {
    const after = adapter(2, 3);
    const stage = { before: adapter(0, 0), after, history: new MemoryHistory(), consolidation: null };
    expect(findMethod('lifealign').hooks.endStage!(stage)).toEqual({ adapter: after });
  });

  it('stl starts every task from the beginning, the others go on', () => {
    const [first, latest] = [adapter(1), adapter(2)];
    expect(findMethod('stl').hooks.startTask!(first, latest)).toBe(first);
    expect(findMethod('er').hooks).toEqual({});
  });
});
