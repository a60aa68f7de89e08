/** Graphs as bytes, each made once for all the threads that open it. */
import type { SafetensorsEntry } from '../../model/weights/safetensors.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { EmittedGraph } from './open-session.ts';
import { emitGraph } from './session.ts';

export class EmittedGraphs {
  readonly #weights: ReadonlyMap<string, SafetensorsEntry>;
  readonly #named: boolean;
  readonly #known = new Map<string, EmittedGraph>();

  /** @param named whether nodes say what they belong to, for profiles */
  constructor(weights: ReadonlyMap<string, SafetensorsEntry>, named: boolean) {
    this.#weights = weights;
    this.#named = named;
  }

  /** @param key of everything that decides the graph */
  of(key: string, outputs: () => Readonly<Record<string, Tensor>>): EmittedGraph {
    const known = this.#known.get(key);
    if (known) return known;
    const graph = emitGraph(outputs(), this.#weights, { named: this.#named });
    this.#known.set(key, graph);
    return graph;
  }
}
