/** Graphs as bytes, each made once for all the threads that open it. */
import type { SafetensorsEntry } from '../../model/weights/safetensors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { EmittedGraph } from './open-session.ts';
import { emitGraph } from './session.ts';

export class EmittedGraphs {
  readonly #weights: ReadonlyMap<string, SafetensorsEntry>;
  readonly #known = new Map<string, EmittedGraph>();

  constructor(weights: ReadonlyMap<string, SafetensorsEntry>) {
    this.#weights = weights;
  }

  /** @param key of everything that decides the graph */
  of(key: string, outputs: () => Readonly<Record<string, Tensor>>): EmittedGraph {
    const known = this.#known.get(key);
    if (known) return known;
    const graph = emitGraph(outputs(), this.#weights);
    this.#known.set(key, graph);
    return graph;
  }
}
