/** Adapters of one matrix, for numbers that can be worked out by hand, and methods over them. */
import { findMethod } from '../../src/method/index.ts';
import {
  type Gradients,
  type MethodContext,
  type MethodRun,
  nothingRemembered,
} from '../../src/method/method.ts';
import type { Adapter } from '../../src/model/adapter.ts';
import { toyModel } from '../train/toy-engine.ts';

/** A single matrix "A" of one row. */
export function smallAdapter(...values: number[]): Adapter {
  return {
    settings: { rank: 1, alpha: 1, targets: ['q_proj'] },
    tensors: new Map([['A', { shape: [1, values.length], data: Float32Array.from(values) }]]),
  };
}

export const smallGradients = (...values: number[]): Gradients => new Map([['A', Float32Array.from(values)]]);

export function valuesOf(adapter: Adapter): number[] {
  return [...adapter.tensors.get('A')!.data];
}

export function beginMethod(
  name: string,
  settings: object = {},
  context: Partial<MethodContext> = {},
): MethodRun {
  const initial = context.initial ?? smallAdapter(0, 0);
  return findMethod(name).begin(settings, {
    initial,
    freshAdapter: () => initial,
    embeddings: toyModel.embeddings,
    consolidation: null,
    remembered: nothingRemembered,
    ...context,
  });
}

/** The end of a stage whose rows have these gradients. */
export function stageEnd(after: Adapter, ...rows: Gradients[]) {
  return {
    before: after,
    after,
    rows: rows.length,
    rowGradients: async function* () {
      yield* rows;
    },
  };
}
