/** Where a graph's parameters come from: frozen weights in files, or trained tensors given with a run. */
import { add, frozenMatmul, input, matmul, weight } from '../../tensor/functions.ts';
import { inPart } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type Adapter, isPromptPool, loraTensorName, SOFT_PROMPTS } from '../adapter.ts';

/** The shapes and scaling of an adapter, without its values. */
export interface AdapterShape {
  /** alpha / rank; of LoRA matrices alone */
  readonly scaling: number;
  readonly shapes: ReadonlyMap<string, readonly [number, number]>;
}

export function adapterShape(adapter: Adapter): AdapterShape {
  return {
    scaling: isPromptPool(adapter) ? 1 : adapter.settings.alpha / adapter.settings.rank,
    shapes: new Map([...adapter.tensors].map(([name, { shape }]) => [name, shape])),
  };
}

/** In what numbers cotangents go back through the frozen weights of linear layers. */
export type Backward = 'float32' | 'int8';

/** Inputs that hold a weight's 8-bit copy and its scales. */
export const integerName = (weight: string): string => `int8.${weight}`;
export const scaleName = (weight: string): string => `scale.${weight}`;

/** Hands out parameters by name, each once, and remembers which of them are trained. */
export class Parameters {
  readonly #made = new Map<string, Tensor>();
  readonly #adapter: AdapterShape | null;
  /** Names of base tensors that are given with each run instead of lying in a file. */
  readonly #trained: ReadonlySet<string>;
  readonly #backward: Backward;
  readonly trainable = new Map<string, Tensor>();

  constructor(
    adapter: AdapterShape | null,
    trained: ReadonlySet<string> = new Set(),
    backward: Backward = 'float32',
  ) {
    this.#adapter = adapter;
    this.#trained = trained;
    this.#backward = backward;
  }

  #once(name: string, make: () => Tensor): Tensor {
    const known = this.#made.get(name);
    if (known) return known;
    const tensor = make();
    this.#made.set(name, tensor);
    return tensor;
  }

  /** A tensor of the base model. */
  base(name: string, shape: readonly number[]): Tensor {
    return this.#once(name, () => {
      if (!this.#trained.has(name)) return weight(name, shape);
      const tensor = input(name, shape);
      this.trainable.set(name, tensor);
      return tensor;
    });
  }

  /** x Wᵀ for a frozen weight of a linear layer. x [tokens, in]; returns [tokens, out]. */
  linear(x: Tensor, name: string, shape: readonly [number, number]): Tensor {
    const weight = this.base(name, shape);
    if (this.#backward === 'float32' || this.isTrained(name)) return this.product(x, weight);
    const w = this.#once(integerName(name), () => input(integerName(name), shape, 'int8'));
    const scales = this.#once(scaleName(name), () => input(scaleName(name), [shape[1]]));
    return frozenMatmul(x, weight, w, scales);
  }

  /** x Wᵀ, as linear layers and the head have it. x [tokens, in], W [out, in]; returns [tokens, out]. */
  product(x: Tensor, weight: Tensor): Tensor {
    return matmul(x, weight, { transposeB: true });
  }

  isTrained(name: string): boolean {
    return this.#trained.has(name);
  }

  /** A module's LoRA matrices A [rank, in] and B [out, rank], if the adapter has them. */
  lora(modulePath: string): { a: Tensor; b: Tensor; scaling: number } | null {
    const [nameA, nameB] = [loraTensorName(modulePath, 'A'), loraTensorName(modulePath, 'B')];
    const shapeA = this.#adapter?.shapes.get(nameA);
    const shapeB = this.#adapter?.shapes.get(nameB);
    if (!this.#adapter || !shapeA || !shapeB) return null;
    return {
      a: this.#trainedMatrix(nameA, shapeA),
      b: this.#trainedMatrix(nameB, shapeB),
      scaling: this.#adapter.scaling,
    };
  }

  /** The soft prompts' vectors [rows, hidden], if the adapter has them. */
  softPrompts(): Tensor | null {
    const shape = this.#adapter?.shapes.get(SOFT_PROMPTS);
    return shape ? this.#trainedMatrix(SOFT_PROMPTS, shape) : null;
  }

  #trainedMatrix(name: string, shape: readonly number[]): Tensor {
    return this.#once(name, () => {
      const tensor = input(name, shape);
      this.trainable.set(name, tensor);
      return tensor;
    });
  }
}

/** y = x Wᵀ (+ bias) (+ scaling · (x Aᵀ) Bᵀ). x [tokens, in]; returns [tokens, out]. */
export function linear(
  x: Tensor,
  modulePath: string,
  outFeatures: number,
  hasBias: boolean,
  parameters: Parameters,
): Tensor {
  const inFeatures = x.shape[1] as number;
  const biased = inPart(modulePath, () => {
    const frozen = parameters.linear(x, `${modulePath}.weight`, [outFeatures, inFeatures]);
    return hasBias ? add(frozen, parameters.base(`${modulePath}.bias`, [outFeatures])) : frozen;
  });
  const lora = parameters.lora(modulePath);
  if (!lora) return biased;
  return inPart(`${modulePath}.lora`, () => {
    const low = matmul(x, lora.a, { transposeB: true });
    return add(biased, matmul(low, lora.b, { transposeB: true, alpha: lora.scaling }));
  });
}
