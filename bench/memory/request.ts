/** What is asked of a measured process that computes one gradient, and what it reports. */
import type { ChildReport } from '../shared/child.ts';

export interface MemoryRequest {
  /** As `openModel` takes it. */
  readonly model: string;
  /** Tokens of a pair. */
  readonly prompt: number;
  readonly response: number;
  readonly recompute: 'auto' | 'nothing' | 'layers';
  readonly threads: number;
}

/** `seconds` are of the gradient. */
export interface MemoryReport extends ChildReport {
  /** The most that was resident and no page of a mapped file, as weights are; `null` where the system does not say. */
  readonly peakAnonymousBytes: number | null;
}
