/**
 * A LoRA adapter in memory: what PEFT keeps in `adapter_config.json` and `adapter_model.safetensors`.
 * For a linear layer y = x Wᵀ it adds (alpha / rank) · (x Aᵀ) Bᵀ. [Hu et al. 2021, arXiv:2106.09685]
 */
import { sha256 } from '../support/hash.ts';

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

/** As PEFT matches them: a target is a module's path, or the end of it after a dot. */
export function isTarget(target: string, modulePath: string): boolean {
  return modulePath === target || modulePath.endsWith(`.${target}`);
}

export type LoraSide = 'A' | 'B';

/** PEFT's name of a LoRA matrix; `modulePath` is the module's place in the model. */
export function loraTensorName(modulePath: string, side: LoraSide): string {
  return `base_model.model.${modulePath}.lora_${side}.weight`;
}

/** The inverse of `loraTensorName`; undefined for any other name. */
export function parseLoraTensorName(name: string): { modulePath: string; side: LoraSide } | undefined {
  const match = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(name);
  return match === null ? undefined : { modulePath: match[1] as string, side: match[2] as LoraSide };
}

/**
 * The order of an adapter's modules: by layer (the first number in the path), then by name. It
 * depends on names alone, so a file's adapter and a fresh one of the same model agree.
 */
export function compareModulePaths(a: string, b: string): number {
  return layerOf(a) - layerOf(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function layerOf(modulePath: string): number {
  return Number(/(?:^|\.)(\d+)(?:\.|$)/.exec(modulePath)?.[1] ?? -1);
}

/** The same adapter with other values; `change` gives a matrix of the same shape for each. */
export function mapAdapter(
  adapter: Adapter,
  change: (tensor: LoraTensor, name: string) => Float32Array,
): Adapter {
  const tensors = new Map<string, LoraTensor>();
  for (const [name, tensor] of adapter.tensors) {
    tensors.set(name, { shape: tensor.shape, data: change(tensor, name) });
  }
  return { settings: adapter.settings, tensors };
}

/** Identifies what an adapter computes: rank, alpha, names, shapes and the bits of every value. */
export function adapterHash(adapter: Adapter): string {
  const { rank, alpha } = adapter.settings;
  const parts: (string | Uint8Array)[] = ['lora', String(rank), String(alpha)];
  for (const [name, { shape, data }] of adapter.tensors) {
    parts.push(name, shape.join('x'), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return sha256(parts);
}
