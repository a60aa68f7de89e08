/** What is asked of a measured process that trains, ours or TRL, and what it reports. */
import type { ChildReport } from '../shared/child.ts';

/** Alike on both sides; rank, alpha and targets come with the adapter both start from. */
export const RECIPE = {
  learningRate: 1e-4,
  warmupRatio: 0.1,
  beta: 0.1,
  effectiveBatch: 16,
  seed: 0,
} as const;

export interface OurRequest {
  /** A run's config file, and folders that do not exist yet for what it writes and for its cache. */
  readonly config: string;
  /** Of its keys, as `--set` has them. */
  readonly overrides?: readonly string[];
  readonly output: string;
  readonly cache: string;
  readonly threads: number;
}

export interface TrlSettings {
  /**
   * `bfloat16 weights` holds the base in bfloat16; `bfloat16` is TRL's own flag, which computes in it; the last is both.
   */
  readonly precision: 'float32' | 'bfloat16' | 'bfloat16 weights' | 'bfloat16 weights and products';
  /** Pairs of one forward pass; gradients are accumulated up to the effective batch. */
  readonly batchSize: number;
  /** Reference log-probs once for every row instead of once for every epoch. */
  readonly precomputeReference: boolean;
  readonly gradientCheckpointing: boolean;
  /** Norms, rotations and gates by Liger's kernels, for GPUs. */
  readonly liger?: boolean;
}

export interface TrlRequest extends TrlSettings {
  /** A model folder in Hugging Face layout, and a PEFT folder to start from. */
  readonly model: string;
  readonly adapter: string;
  /** A JSON file: `rows` of token ids, and `order`, the rows of all epochs one after another. */
  readonly data: string;
  readonly recipe: typeof RECIPE;
  readonly threads: number;
  readonly device: 'cpu' | 'cuda';
}

/** Means over the effective batch of sums over a response's tokens. */
export interface TrainingStep {
  readonly loss: number;
  /** Of the step alone, with a prompt's tokens counted for each of its responses. */
  readonly tokensPerSecond: number;
  readonly 'logps/chosen': number;
  readonly 'logps/rejected': number;
}

/** `seconds` are of everything but starting the process and loading the model. */
export interface TrainingReport extends ChildReport {
  readonly steps: readonly TrainingStep[];
  /** Of tensors on the GPU, the base among them; null where the processor computes. */
  readonly peakDeviceBytes: number | null;
}
