/**
 * Gradient episodic memory: a step that would raise the loss of an earlier stage is turned until, to first order,
 * it no longer does. [Lopez-Paz & Ranzato 2017, arXiv:1706.08840, eq. 8 to 11]
 *
 * Earlier stages are known by their averaged gradients instead of by stored rows, one for each finished stage and
 * matrix, and each matrix is projected by itself.
 */
import * as z from 'zod';
import { addScaled, dot } from '../memory/matrix.ts';
import type { TrainedMatrix } from '../model/adapter.ts';
import { minimiseAbove } from '../optim/quadratic-program.ts';
import { defineMethod, type Gradients, type NamedMatrices } from './method.ts';

export const gem = defineMethod({
  name: 'gem',
  description:
    'gradients that conflict with those of earlier stages are projected (gradient episodic memory)',
  defaults: { objective: { name: 'dpo' }, replay: 'off', consolidation: null },
  settings: z.strictObject({
    /** The least weight of an earlier gradient where any conflicts; the source's memory strength γ. */
    margin: z.number().nonnegative().default(0.1),
    /** How much of the running average of a stage's gradients a step leaves; the first step begins it. */
    decay: z.number().min(0).lt(1).default(0.9),
  }),
  begin({ margin, decay }, { initial, remembered }) {
    const finished = [...remembered.finished];
    let running = remembered.running;
    return {
      state: () => ({ running, finished: [...finished] }),
      gradients(gradients) {
        running = averaged(running, gradients, initial.tensors, decay);
        const ofStages = (name: string) => finished.map((stage) => stage.get(name)!.data);
        return new Map(
          Array.from(gradients, ([name, gradient]) => [
            name,
            projectGradient(gradient, ofStages(name), margin),
          ]),
        );
      },
      endStage({ after }) {
        finished.push(running);
        running = new Map();
        return { adapter: after };
      },
    };
  },
});

/** decay · average + (1 − decay) · gradient, matrix by matrix. */
function averaged(
  average: NamedMatrices,
  gradients: Gradients,
  shapes: ReadonlyMap<string, Pick<TrainedMatrix, 'shape'>>,
  decay: number,
): NamedMatrices {
  return new Map(
    Array.from(gradients, ([name, gradient]) => {
      const before = average.get(name)?.data ?? gradient;
      const data = gradient.map((value, at) => decay * before[at]! + (1 - decay) * value);
      return [name, { shape: shapes.get(name)!.shape, data }];
    }),
  );
}

/**
 * The gradient itself where no earlier one has a negative inner product with it; else g + Gᵀ v, G's rows being the
 * earlier gradients and v the minimum of ½ vᵀ G Gᵀ v + (G g)ᵀ v where every entry is at least `margin`. Its inner
 * product with every row of G is then at least 0, up to rounding.
 */
export function projectGradient(
  gradient: Float32Array,
  earlier: readonly Float32Array[],
  margin: number,
): Float32Array {
  const g = Float64Array.from(gradient);
  // A row of zeros forbids nothing.
  const rows = earlier.map((row) => Float64Array.from(row)).filter((row) => dot(row, row) > 0);
  const products = rows.map((row) => dot(row, g));
  if (!products.some((product) => product < 0)) return gradient;
  const gram = rows.map((row) => rows.map((other) => dot(row, other)));
  for (const [at, weight] of minimiseAbove(margin, gram, products).entries()) addScaled(g, weight, rows[at]!);
  return Float32Array.from(g);
}
