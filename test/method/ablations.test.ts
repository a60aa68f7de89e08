/** LifeAlign's ablations are configs of it; each takes away the named part and nothing else. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { consolidateAdapter, MemoryHistory } from '../../src/memory/consolidate-adapter.ts';
import { asLora } from '../../src/model/adapter.ts';
import type { ConfigTree } from '../../src/train/config/overrides.ts';
import { outcome, toyConfig } from '../train/toy-stream.ts';
import { gradientCalls, runMethod, taskAdapter } from './runs.ts';

const stages = (objective: object, sft = {}) => {
  const { stages: given } = toyConfig() as { stages: Record<'sft' | 'preference', object> };
  return { sft: { ...given.sft, ...sft }, preference: { ...given.preference, objective } };
};
const dpo: ConfigTree = { stages: stages({ name: 'dpo' }) };
const fpo: ConfigTree = { stages: stages({ name: 'fpo' }) };
const off: ConfigTree = { consolidation: null };
const has = (output: string, file: string) => existsSync(join(output, 'tasks/2-high', file));
const focal = (steps: readonly Record<string, unknown>[]) =>
  steps.some((step) => step['focal/mean'] !== null);

describe('an ablation of LifeAlign', () => {
  it.each([
    ['both', {}, true, true],
    ['FPO only', off, true, false],
    ['consolidation only', dpo, false, true],
    ['neither', { ...off, ...dpo }, false, false],
  ])(
    '%s: the parts that are left are at work, replay in all of them',
    async (_, changes, isFocal, consolidates) => {
      const { output, steps } = await runMethod('lifealign', changes);
      expect(focal(steps)).toBe(isFocal);
      expect(has(output, 'consolidation/sft.json')).toBe(consolidates);
      expect(has(output, 'replay.json')).toBe(true);
    },
  );

  it('neither is experience replay, to the last bit', async () => {
    const ablation = await runMethod('lifealign', { ...off, ...dpo });
    expect(outcome(ablation.output)).toEqual(outcome((await runMethod('er')).output));
  });

  it('FPO only is experience replay with that objective, to the last bit', async () => {
    const ablation = await runMethod('lifealign', off);
    expect(outcome(ablation.output)).toEqual(outcome((await runMethod('er', fpo)).output));
  });

  it('consolidation only trains as neither does, and consolidates what that gives', async () => {
    const tasks = [{ name: 'low', train: 'low-train.json', test: 'low-test.json' }];
    const one = { tasks, stages: stages({ name: 'dpo' }, { epochs: 0 }) };
    const settings = { threshold: 0.5, lambda: 0.5 };
    const ablation = await runMethod('lifealign', { ...one, consolidation: settings });
    const neither = await runMethod('er', one);
    const before = asLora(gradientCalls(neither.engine)[0]!.adapter!);
    const after = await taskAdapter(neither.output, '1-low');
    const expected = consolidateAdapter(before, after, new MemoryHistory(), settings);
    expect((await taskAdapter(ablation.output, '1-low')).tensors).toEqual(expected.adapter.tensors);
    expect(expected.adapter.tensors).not.toEqual(after.tensors);
  });

  it('without replay besides is sequential fine-tuning; and that with replay is experience replay', async () => {
    const bare = await runMethod('lifealign', { ...off, ...dpo, replay: null });
    expect(outcome(bare.output)).toEqual(outcome((await runMethod('seqft')).output));
    const replaying = await runMethod('seqft', { replay: {} });
    expect(outcome(replaying.output)).toEqual(outcome((await runMethod('er')).output));
  });
});
