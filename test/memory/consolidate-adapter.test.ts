/** Whole adapters and the history that grows with them. */
import { describe, expect, it } from 'vitest';
import type { ConsolidationSettings } from '../../src/memory/consolidate.ts';
import { consolidateAdapter, MemoryHistory } from '../../src/memory/consolidate-adapter.ts';
import { adapterHash, type LoraAdapter, mapAdapter } from '../../src/model/adapter.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { UserError } from '../../src/support/errors.ts';
import { Random } from '../../src/support/random.ts';

const modules = [0, 1].map((layer) => ({
  path: `model.layers.${layer}.self_attn.q_proj`,
  inFeatures: 7,
  outFeatures: 5,
}));
const settings = { threshold: 0.9, lambda: 0.5 };
const inProductSpace = { ...settings, space: 'product' } as const;
const fresh = initialiseAdapter({ rank: 3, alpha: 6, targets: ['q_proj'] }, modules, Random.fromSeed(0));

/** What a stage of training might leave. */
function train(adapter: LoraAdapter, stage: number): LoraAdapter {
  const random = Random.fromSeed(stage);
  return mapAdapter(adapter, ({ data }) => data.map((value) => value + 0.1 * (random.uniform() - 0.5)));
}

function runStages(
  first: number,
  last: number,
  adapter: LoraAdapter,
  history: MemoryHistory,
  how: ConsolidationSettings = settings,
): LoraAdapter {
  let current = adapter;
  for (let stage = first; stage <= last; stage++) {
    const { adapter: consolidated, refined } = consolidateAdapter(
      current,
      train(current, stage),
      history,
      how,
    );
    history.append(refined);
    current = consolidated;
  }
  return current;
}

describe('a stream of stages', () => {
  it.each([
    ['matrix by matrix', settings],
    ['in product space', inProductSpace],
  ])('resumed from the refined memories it saved, ends in the same bits: %s', (_, how) => {
    const uninterrupted = new MemoryHistory();
    const expected = runStages(1, 6, fresh, uninterrupted, how);
    const half = new MemoryHistory();
    const middle = runStages(1, 3, fresh, half, how);
    const resumed = new MemoryHistory();
    for (const refined of half.refined) resumed.append(refined);
    expect(adapterHash(runStages(4, 6, middle, resumed, how))).toBe(adapterHash(expected));
    expect(resumed.refined.map(adapterHash)).toEqual(uninterrupted.refined.map(adapterHash));
  });

  it('leaves its inputs and the history as they were', () => {
    const history = new MemoryHistory();
    const before = runStages(1, 1, fresh, history);
    const after = train(before, 2);
    const hashes = [before, after, ...history.refined].map(adapterHash);
    const { reports } = consolidateAdapter(before, after, history, settings);
    expect([before, after, ...history.refined].map(adapterHash)).toEqual(hashes);
    for (const report of reports.values()) expect(report.historyRows).toBe(1);
    expect([...reports.keys()]).toEqual([...fresh.tensors.keys()]);
  });
});

it('in product space names its reports by module, and refuses a matrix that has no other side', () => {
  const history = new MemoryHistory();
  const before = runStages(1, 1, fresh, history, inProductSpace);
  const { reports, refined } = consolidateAdapter(before, train(before, 2), history, inProductSpace);
  expect([...reports.keys()]).toEqual(modules.map(({ path }) => path));
  expect([...refined.tensors.values()].map(({ shape }) => shape)).toEqual(
    [...fresh.tensors.values()].map(({ shape }) => shape),
  );
  const alone = { ...fresh, tensors: new Map([...fresh.tensors].slice(0, 1)) };
  expect(() => consolidateAdapter(alone, alone, new MemoryHistory(), inProductSpace)).toThrow(
    /lora_A\.weight" has no other LoRA matrix beside it/,
  );
});

it('refuses a stage that diverged, and a history of another model', () => {
  const diverged = mapAdapter(fresh, ({ data }, name) =>
    name.includes('layers.1') ? data.map(() => Number.NaN) : data,
  );
  const history = new MemoryHistory();
  const attempt = () =>
    consolidateAdapter(
      mapAdapter(fresh, ({ data }) => data.map(() => 1)),
      diverged,
      history,
      settings,
    );
  expect(attempt).toThrow(UserError);
  expect(attempt).toThrow(
    /layers\.1\.self_attn\.q_proj\.lora_A\.weight" after the stage: the value at index 0 is NaN/,
  );

  const other = initialiseAdapter({ rank: 2, alpha: 6, targets: ['q_proj'] }, modules, Random.fromSeed(0));
  history.append(other);
  expect(() => history.append(fresh)).toThrow(/the refined memory: tensor ".*lora_A.weight" is \[3, 7\]/);
  const plain = initialiseAdapter(fresh.settings, modules, Random.fromSeed(0));
  expect(() => consolidateAdapter(plain, plain, history, settings)).toThrow(
    /the history: tensor ".*" is \[2, 7\]/,
  );
  expect(() => consolidateAdapter(plain, plain, new MemoryHistory(), { threshold: 0, lambda: 0 })).toThrow(
    /threshold/,
  );
});
