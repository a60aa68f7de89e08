/**
 * What a frozen base is adapted by, in memory: named matrices, which are what is trained, and settings that decide
 * what they compute. There are two kinds, LoRA matrices and a pool of soft prompts.
 */
import { sha256 } from '../support/hash.ts';

export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  /** Names of linear modules as PEFT matches them, for example `q_proj`. */
  readonly targets: readonly string[];
}

/** A matrix that is trained. */
export interface TrainedMatrix {
  readonly shape: readonly [number, number];
  /** Row-major. */
  readonly data: Float32Array;
}

/** A: [rank, in features]; B: [out features, rank]. */
export type LoraTensor = TrainedMatrix;

/**
 * What PEFT keeps in `adapter_config.json` and `adapter_model.safetensors`. For a linear layer y = x Wᵀ it adds
 * (alpha / rank) · (x Aᵀ) Bᵀ. [Hu et al. 2021, arXiv:2106.09685]
 */
export interface LoraAdapter {
  readonly settings: LoraSettings;
  /**
   * Keyed by PEFT's tensor names, for example
   * `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`; insertion order is layer, then
   * module, A before B, and every adapter of one model and settings has the same order.
   */
  readonly tensors: ReadonlyMap<string, LoraTensor>;
}

export interface PromptPoolSettings {
  readonly poolSize: number;
  /** Vectors of a prompt. */
  readonly promptLength: number;
  /** Prompts that are put in front of a row. */
  readonly topK: number;
}

/** The matrix of a pool: [poolSize · promptLength, hidden], prompt after prompt. */
export const SOFT_PROMPTS = 'soft_prompts';

/**
 * Soft prompts, vectors in the place of token embeddings. For every row some of them are chosen by its prompt's
 * tokens and put in front of these (prompt-pool.ts).
 */
export interface PromptPool {
  readonly settings: PromptPoolSettings;
  /** `SOFT_PROMPTS` alone. */
  readonly tensors: ReadonlyMap<string, TrainedMatrix>;
}

export type Adapter = LoraAdapter | PromptPool;

export function isPromptPool(adapter: Adapter): adapter is PromptPool {
  return 'poolSize' in adapter.settings;
}

/** For what is made for LoRA matrices; whoever calls has seen to it that there are some. */
export function asLora(adapter: Adapter): LoraAdapter {
  if (isPromptPool(adapter)) throw new Error('expected LoRA matrices, got a prompt pool');
  return adapter;
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
export function mapAdapter(adapter: LoraAdapter, change: MatrixChange): LoraAdapter;
export function mapAdapter(adapter: PromptPool, change: MatrixChange): PromptPool;
export function mapAdapter(adapter: Adapter, change: MatrixChange): Adapter;
export function mapAdapter({ settings, tensors }: Adapter, change: MatrixChange): Adapter {
  const changed = new Map<string, TrainedMatrix>();
  for (const [name, tensor] of tensors) {
    changed.set(name, { shape: tensor.shape, data: change(tensor, name) });
  }
  return { settings, tensors: changed } as Adapter;
}

type MatrixChange = (tensor: TrainedMatrix, name: string) => Float32Array;

/** Identifies what an adapter computes: its settings, names, shapes and the bits of every value. */
export function adapterHash(adapter: Adapter): string {
  const parts: (string | Uint8Array)[] = [...settingsKey(adapter)];
  for (const [name, { shape, data }] of adapter.tensors) {
    parts.push(name, shape.join('x'), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return sha256(parts);
}

/** The settings that decide what the matrices compute. */
function settingsKey(adapter: Adapter): string[] {
  if (!isPromptPool(adapter)) return ['lora', `${adapter.settings.rank}`, `${adapter.settings.alpha}`];
  const { poolSize, promptLength, topK } = adapter.settings;
  return ['prompt pool', `${poolSize}`, `${promptLength}`, `${topK}`];
}
