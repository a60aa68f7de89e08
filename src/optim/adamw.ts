/**
 * AdamW: gradients of named tensors in, new values out. Sits between the method (which may have changed
 * the gradients) and the next call of the engine.
 *
 * Loshchilov & Hutter 2019, arXiv:1711.05101, with the rounding points of `torch.optim.AdamW`: moments and
 * values are float32, each update is computed in double precision and rounded once when stored.
 */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Decoupled: values shrink by learning rate × weight decay before the gradient's step. */
  readonly weightDecay: number;
}

/** Everything a later step depends on; restoring it continues bit for bit. */
export interface AdamWState {
  readonly step: number;
  readonly firstMoments: ReadonlyMap<string, Float32Array>;
  readonly secondMoments: ReadonlyMap<string, Float32Array>;
}

const adamWDefaults: AdamWSettings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };

export class AdamW {
  readonly #settings: AdamWSettings;
  #step = 0;
  #firstMoments = new Map<string, Float32Array>();
  #secondMoments = new Map<string, Float32Array>();

  constructor(settings: Partial<AdamWSettings> = {}, state?: AdamWState) {
    this.#settings = { ...adamWDefaults, ...settings };
    if (state) {
      this.#step = state.step;
      this.#firstMoments = copy(state.firstMoments);
      this.#secondMoments = copy(state.secondMoments);
    }
  }

  /** A snapshot: later steps do not change it. */
  state(): AdamWState {
    return {
      step: this.#step,
      firstMoments: copy(this.#firstMoments),
      secondMoments: copy(this.#secondMoments),
    };
  }

  /**
   * One step. The arrays given stay as they are; the result holds new ones under the same names, in the
   * same order.
   *
   *     m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²
   *     θ ← θ (1 − η λ) − η · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
   *
   * @throws if a value has no gradient of its length.
   */
  update(
    values: ReadonlyMap<string, Float32Array>,
    gradients: ReadonlyMap<string, Float32Array>,
    learningRate: number,
  ): Map<string, Float32Array> {
    const { beta1, beta2, epsilon, weightDecay } = this.#settings;
    this.#step += 1;
    const stepSize = learningRate / (1 - beta1 ** this.#step);
    const secondCorrection = Math.sqrt(1 - beta2 ** this.#step);
    const shrink = 1 - learningRate * weightDecay;

    const updated = new Map<string, Float32Array>();
    for (const [name, value] of values) {
      const gradient = gradients.get(name);
      if (gradient?.length !== value.length) throw new Error(`no gradient of the right size for ${name}`);
      const first = momentsOf(this.#firstMoments, name, value.length);
      const second = momentsOf(this.#secondMoments, name, value.length);
      const next = new Float32Array(value.length);
      for (let i = 0; i < value.length; i++) {
        const g = gradient[i]!;
        first[i] = beta1 * first[i]! + (1 - beta1) * g;
        second[i] = beta2 * second[i]! + (1 - beta2) * g * g;
        const denominator = Math.sqrt(second[i]!) / secondCorrection + epsilon;
        next[i] = value[i]! * shrink - (stepSize * first[i]!) / denominator;
      }
      updated.set(name, next);
    }
    return updated;
  }
}

function momentsOf(moments: Map<string, Float32Array>, name: string, length: number): Float32Array {
  let moment = moments.get(name);
  if (!moment) {
    moment = new Float32Array(length);
    moments.set(name, moment);
  }
  if (moment.length !== length) throw new Error(`the moments of ${name} have another size than its value`);
  return moment;
}

function copy(arrays: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  return new Map(Array.from(arrays, ([name, values]) => [name, values.slice()]));
}
