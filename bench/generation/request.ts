/** What is asked of a measured process that generates, ours or transformers', and what it reports. */
import type { ChildReport } from '../shared/child.ts';

export interface GenerationRequest {
  /** A model folder in Hugging Face layout. */
  readonly model: string;
  readonly prompts: readonly (readonly number[])[];
  /** Prompts answered at a time. */
  readonly batchSize: number;
  /** Of every answer; nothing ends one early. */
  readonly newTokens: number;
  readonly threads: number;
}

/** As transformers and torch name them. */
export interface TransformersSettings {
  readonly precision: 'float32' | 'bfloat16';
  readonly attention: 'sdpa' | 'eager';
}

/** `seconds` are of all answers, prompts included, after a short warm-up. */
export interface GenerationReport extends ChildReport {
  readonly answers: readonly (readonly number[])[];
}
