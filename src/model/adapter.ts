/**
 * A LoRA adapter in memory: what PEFT keeps in `adapter_config.json` and `adapter_model.safetensors`.
 * For a linear layer y = x Wᵀ it adds (alpha / rank) · (x Aᵀ) Bᵀ. [Hu et al. 2021, arXiv:2106.09685]
 */
export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  /** Names of linear modules as PEFT matches them, for example `q_proj`. */
  readonly targets: readonly string[];
}

export interface LoraTensor {
  /** A: [rank, in features]; B: [out features, rank]. */
  readonly shape: readonly [number, number];
  /** Row-major. */
  readonly data: Float32Array;
}

export interface Adapter {
  readonly settings: LoraSettings;
  /**
   * Keyed by PEFT's tensor names, for example
   * `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`; insertion order is layer, then
   * module, A before B, and every adapter of one model and settings has the same order.
   */
  readonly tensors: ReadonlyMap<string, LoraTensor>;
}
