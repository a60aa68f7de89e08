/**
 * Elastic weight consolidation: what mattered to a finished stage is held near where that stage left it.
 * [Kirkpatrick et al. 2017, arXiv:1612.00796, eq. 3]
 *
 *     (lambda / 2) · Σ over finished stages Σ F (θ − θ*)²
 *
 * θ* is what the stage left, F the diagonal of the empirical Fisher information there: the mean over the stage's
 * rows of each row's squared gradient, the loss being the stage's own on the row by itself. Gradients of whole
 * batches would be cheaper, but rows of opposite gradients would cancel before they are squared. The cost is one
 * gradient pass for each row at the end of a stage.
 */
import * as z from 'zod';
import type { Adapter } from '../model/adapter.ts';
import { defineMethod, type Gradients, type NamedMatrices, type Penalty } from './method.ts';

export const ewc = defineMethod({
  name: 'ewc',
  description: 'a penalty on moving what mattered to earlier stages (elastic weight consolidation)',
  defaults: { objective: { name: 'dpo' }, replay: 'off', consolidation: null },
  settings: z.strictObject({
    lambda: z.number().nonnegative().default(0.1),
    /** A term for every finished stage, or, as the LifeAlign paper's code has it, for the last one only. */
    terms: z.enum(['all', 'last']).default('all'),
  }),
  begin({ lambda, terms }, { remembered }) {
    const finished = [...remembered.finished];
    return {
      state: () => ({ running: new Map(), finished: [...finished] }),
      penalty: (trained) => elasticPenalty(trained, terms === 'all' ? finished : finished.slice(-1), lambda),
      async endStage({ after, rows, rowGradients }) {
        finished.push(stageTerm(after, await meanSquares(rowGradients(), rows)));
        return { adapter: after };
      },
    };
  },
});

const importanceName = (matrix: string): string => `importance/${matrix}`;
const anchorName = (matrix: string): string => `anchor/${matrix}`;

/** F and θ* of a stage. */
function stageTerm({ tensors }: Adapter, importance: ReadonlyMap<string, Float64Array>): NamedMatrices {
  return new Map(
    Array.from(tensors).flatMap(([name, anchor]) => [
      [importanceName(name), { shape: anchor.shape, data: Float32Array.from(importance.get(name)!) }],
      [anchorName(name), anchor],
    ]),
  );
}

async function meanSquares(
  gradients: AsyncIterable<Gradients>,
  count: number,
): Promise<ReadonlyMap<string, Float64Array>> {
  const means = new Map<string, Float64Array>();
  for await (const ofRow of gradients) {
    for (const [name, gradient] of ofRow) {
      const mean = means.get(name) ?? new Float64Array(gradient.length);
      for (const [at, value] of gradient.entries()) mean[at]! += (value * value) / count;
      means.set(name, mean);
    }
  }
  return means;
}

function elasticPenalty(trained: Adapter, terms: readonly NamedMatrices[], lambda: number): Penalty {
  let value = 0;
  const gradients = new Map<string, Float32Array>();
  for (const [name, { data }] of trained.tensors) {
    const gradient = new Float64Array(data.length);
    for (const term of terms) {
      const importance = term.get(importanceName(name))!.data;
      const anchor = term.get(anchorName(name))!.data;
      for (const [at, now] of data.entries()) {
        const distance = now - anchor[at]!;
        const pull = lambda * importance[at]! * distance;
        gradient[at]! += pull;
        value += (pull * distance) / 2;
      }
    }
    gradients.set(name, Float32Array.from(gradient));
  }
  return { value, gradients };
}
