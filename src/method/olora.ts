/**
 * O-LoRA: a new adapter for every task, those of earlier tasks frozen and summed with it, and a penalty that keeps
 * the new one's directions orthogonal to theirs. [Wang et al. 2023, arXiv:2310.14152]
 *
 *     orthogonality · Σ over modules and earlier tasks Σ |A_new A_pastᵀ|  +  l2 · Σ over new matrices ‖W‖
 *
 * with absolute values and the 2-norm itself, as the authors' code has them. The policy's adapter is the sum as
 * one adapter, whose rank so grows by the adapter's with each task.
 */
import * as z from 'zod';
import { addScaled, dot, norm, rowsOf } from '../memory/matrix.ts';
import { type Adapter, asLora, type LoraTensor } from '../model/adapter.ts';
import { defineMethod, type NamedMatrices, type Penalty } from './method.ts';
import { isA, lastOfStack, stackAdapters } from './stacked-adapter.ts';

export const olora = defineMethod({
  name: 'olora',
  description: 'a new adapter for each task, orthogonal to the frozen ones of earlier tasks (O-LoRA)',
  defaults: { objective: { name: 'dpo' }, replay: 'off', consolidation: null },
  settings: z.strictObject({
    orthogonality: z.number().nonnegative().default(0.1),
    l2: z.number().nonnegative().default(0.01),
  }),
  begin(settings, { initial, freshAdapter, remembered }) {
    const frozen = [...remembered.finished];
    const lora = asLora(initial).settings;
    const parts = {
      trained: (policy: Adapter) => lastOfStack(policy, lora),
      policy: (trained: Adapter) => stackAdapters([...frozen, trained.tensors], lora),
    };
    return {
      state: () => ({ running: new Map(), finished: [...frozen] }),
      parts,
      startTask(task, latest) {
        if (task === 0) return latest;
        frozen.push(parts.trained(latest).tensors);
        return parts.policy(freshAdapter(task));
      },
      penalty: (trained) => newAdapterPenalty(trained, frozen, settings),
    };
  },
});

function newAdapterPenalty(
  { tensors }: Adapter,
  frozen: readonly NamedMatrices[],
  { orthogonality, l2 }: { readonly orthogonality: number; readonly l2: number },
): Penalty {
  let value = 0;
  const gradients = new Map<string, Float32Array>();
  for (const [name, matrix] of tensors) {
    const values = Float64Array.from(matrix.data);
    const gradient = new Float64Array(values.length);
    const length = norm(values);
    value += l2 * length;
    // The norm has no slope at 0, where a fresh B is; 0 is one of its subgradients.
    if (length > 0) addScaled(gradient, l2 / length, values);
    if (isA(name)) {
      for (const past of frozen)
        value += orthogonality * addOverlap(gradient, matrix, past.get(name)!, orthogonality);
    }
    gradients.set(name, Float32Array.from(gradient));
  }
  return { value, gradients };
}

/** Returns Σ |A_new A_pastᵀ| and adds `weight` times its derivative by A_new to `gradient`. */
function addOverlap(gradient: Float64Array, latest: LoraTensor, past: LoraTensor, weight: number): number {
  const rows = ({ shape, data }: LoraTensor) =>
    rowsOf({ rows: shape[0], columns: shape[1], data: Float64Array.from(data) });
  const slopes = rowsOf({ rows: latest.shape[0], columns: latest.shape[1], data: gradient });
  let sum = 0;
  for (const [at, row] of rows(latest).entries()) {
    for (const other of rows(past)) {
      const overlap = dot(row, other);
      sum += Math.abs(overlap);
      addScaled(slopes[at]!, weight * Math.sign(overlap), other);
    }
  }
  return sum;
}
