/** What oracle/methods_torch.py writes. Matrices are row-major; each case's are in the order of its shapes. */

type Values = number[];
type Shape = readonly [number, number];

interface Differentiated {
  readonly value: number;
  readonly gradients: readonly Values[];
}

interface LogProbs {
  readonly chosen: Values;
  readonly rejected: Values;
}

export interface MethodCases {
  readonly ewc: readonly {
    readonly name: string;
    readonly settings: object;
    readonly shapes: readonly Shape[];
    readonly stages: readonly { readonly after: readonly Values[]; readonly rows: readonly Values[][] }[];
    readonly now: readonly Values[];
    readonly expected: Differentiated;
  }[];
  readonly gem: readonly {
    readonly name: string;
    readonly settings: object;
    readonly shapes: readonly Shape[];
    /** Gradients of each step of the finished stages. */
    readonly stages: readonly Values[][][];
    readonly now: readonly Values[][];
    readonly expected: {
      readonly averages: readonly Values[][];
      readonly projected: readonly Values[][];
    };
  }[];
  readonly olora: readonly {
    readonly name: string;
    readonly settings: object;
    readonly shapes: readonly Shape[];
    readonly past: readonly Values[][];
    readonly now: readonly Values[];
    readonly expected: Differentiated;
  }[];
  readonly l2p: readonly {
    readonly name: string;
    readonly settings: {
      readonly pool_size: number;
      readonly prompt_length: number;
      readonly top_k: number;
      readonly key_weight: number;
    };
    readonly embeddings: readonly Values[];
    readonly pool: Values;
    readonly rows: readonly Values[];
    readonly expected: Differentiated & { readonly choices: readonly Values[] };
  }[];
  readonly cppo: readonly {
    readonly name: string;
    readonly settings: { readonly retention: number; readonly deviations: number };
    readonly beta: number;
    readonly policy: LogProbs;
    readonly reference: LogProbs;
    readonly start: LogProbs;
    /** Gradients by chosen, then by rejected log-probs. */
    readonly expected: Differentiated & { readonly weights: readonly Values[] };
  }[];
}
