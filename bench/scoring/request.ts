/** What is asked of a measured process that scores pairs, ours or transformers', and what it reports. */
import type { ChildReport } from '../shared/child.ts';

export interface ScoringRequest {
  /** A model folder in Hugging Face layout. */
  readonly model: string;
  /** Token ids. */
  readonly rows: readonly {
    readonly prompt: readonly number[];
    readonly chosen: readonly number[];
    readonly rejected: readonly number[];
  }[];
  readonly threads: number;
  /** Pairs that are scored before the clock starts. */
  readonly warmUp: number;
}

export interface TransformersSettings {
  readonly precision: 'float32' | 'bfloat16';
  /** Sequences of one forward pass, padded to the longest; a pair is two. */
  readonly batchSize: number;
}

/** `seconds` are of all pairs, after some of them to warm up. Sums over a response's tokens, natural logarithms. */
export interface ScoringReport extends ChildReport {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}
