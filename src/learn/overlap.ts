/**
 * Which earlier tasks a task shares directions with: of the energy of what training changed (the short-term memories
 * of its stages), the share that lies in the span of an earlier task's refined memories. These are the directions that
 * consolidation damps by λ. Each LoRA matrix is a vector of all its entries, as in consolidation.
 *
 * Earlier tasks' directions are not orthogonal, so their shares may add up to more than their share together. Where two
 * tasks have nothing to do with each other the share is about (stages of the earlier one) / (entries of a matrix).
 */
import { MatrixHistory } from '../memory/history.ts';
import { dot } from '../memory/matrix.ts';
import { type LoraAdapter, parseLoraTensorName } from '../model/adapter.ts';

/** A task's stages, in order. */
export interface TaskMemory {
  readonly task: string;
  readonly shortTerm: readonly LoraAdapter[];
  readonly refined: readonly LoraAdapter[];
}

/** Shares in percent. */
export interface SharedDirections {
  readonly total: number;
  /** By layer of the model; modules outside of layers count as layer −1. */
  readonly layers: readonly { readonly layer: number; readonly share: number }[];
}

export interface TaskOverlap {
  readonly task: string;
  /** In the order of `earlier`. */
  readonly earlier: readonly (SharedDirections & { readonly task: string })[];
  /** In the directions of all earlier tasks; `null` where there are none. */
  readonly together: SharedDirections | null;
}

export function overlapOf(task: TaskMemory, earlier: readonly TaskMemory[]): TaskOverlap {
  return {
    task: task.task,
    earlier: earlier.map((other) => ({ task: other.task, ...shared(task.shortTerm, other.refined) })),
    together:
      earlier.length === 0
        ? null
        : shared(
            task.shortTerm,
            earlier.flatMap(({ refined }) => refined),
          ),
  };
}

/** Of the energy of `changes`, the share along `directions`, by layer and in all. */
export function shared(
  changes: readonly LoraAdapter[],
  directions: readonly LoraAdapter[],
): SharedDirections {
  const layers = new Map<number, Sums>();
  const total: Sums = { along: 0, energy: 0 };
  for (const name of changes[0]?.tensors.keys() ?? []) {
    const span = new MatrixHistory();
    for (const { tensors } of directions) span.append(tensors.get(name)!.data);
    const layer = layerOf(name);
    const ofLayer = layers.get(layer) ?? { along: 0, energy: 0 };
    layers.set(layer, ofLayer);
    for (const { tensors } of changes) {
      const change = Float64Array.from(tensors.get(name)!.data);
      const { parallel } = span.project(change);
      const [along, energy] = [dot(parallel, parallel), dot(change, change)];
      for (const sums of [ofLayer, total]) {
        sums.along += along;
        sums.energy += energy;
      }
    }
  }
  return {
    total: percent(total),
    layers: Array.from(layers, ([layer, sums]) => ({ layer, share: percent(sums) })),
  };
}

interface Sums {
  along: number;
  energy: number;
}

/** Nothing that changed shares nothing. */
function percent({ along, energy }: Sums): number {
  return energy === 0 ? 0 : (100 * along) / energy;
}

/** The first number in the module's path. */
function layerOf(tensorName: string): number {
  const path = parseLoraTensorName(tensorName)?.modulePath ?? '';
  return Number(/(?:^|\.)(\d+)(?:\.|$)/.exec(path)?.[1] ?? -1);
}
