/**
 * What the demo trains: the built-in stream at a size and with rates that suit the base. How the rates
 * were chosen, on validation rows and other seeds, stands in REPRODUCIBILITY.md.
 */
export const demoMethods = ['lifealign', 'er', 'seqft'] as const;
export type DemoMethod = (typeof demoMethods)[number];

export const demoBases = ['tiny', 'smollm2-135m-instruct'] as const;
export type DemoBase = (typeof demoBases)[number];

export interface Rates {
  readonly sft: number;
  readonly preference: number;
}

export interface DemoSettings {
  readonly trainRows: number;
  readonly testRows: number;
  readonly epochs: { readonly sft: number; readonly preference: number };
  readonly batchSize: number;
  readonly lora: { readonly rank: number; readonly alpha: number; readonly targets: readonly string[] };
  /** The replay buffer's, for the methods that have one. */
  readonly replay: { readonly capacity: number; readonly fraction: number };
  readonly maxNewTokens: number;
  /** Learning rates by method; `stl`, single-task learning, has SeqFT's. */
  readonly rates: Readonly<Record<DemoMethod | 'stl', Rates>>;
}

const attention = ['q_proj', 'v_proj'];

export const demoSettings: Readonly<Record<DemoBase, DemoSettings>> = {
  tiny: {
    trainRows: 100,
    testRows: 40,
    epochs: { sft: 3, preference: 2 },
    batchSize: 8,
    lora: { rank: 8, alpha: 16, targets: attention },
    replay: { capacity: 3000, fraction: 0.2 },
    maxNewTokens: 80,
    rates: {
      lifealign: { sft: 3e-3, preference: 3e-4 },
      er: { sft: 3e-3, preference: 3e-4 },
      seqft: { sft: 3e-3, preference: 3e-4 },
      stl: { sft: 3e-3, preference: 3e-4 },
    },
  },
  'smollm2-135m-instruct': {
    trainRows: 48,
    testRows: 20,
    epochs: { sft: 1, preference: 1 },
    batchSize: 8,
    lora: { rank: 8, alpha: 16, targets: attention },
    replay: { capacity: 3000, fraction: 0.2 },
    maxNewTokens: 80,
    rates: {
      lifealign: { sft: 5e-4, preference: 1e-3 },
      er: { sft: 5e-4, preference: 1e-3 },
      seqft: { sft: 5e-4, preference: 1e-3 },
      stl: { sft: 5e-4, preference: 1e-3 },
    },
  },
};
