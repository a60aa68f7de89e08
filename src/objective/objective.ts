import type { Tensor } from '../tensor/tensor.ts';

/** What an objective sees: symbolic vectors of shape [rows]. Log-probs are sums over response tokens. */
export interface ObjectiveInputs {
  readonly chosenLogp: Tensor;
  readonly rejectedLogp: Tensor;
  /** Response token counts, as float constants. */
  readonly chosenLength: Tensor;
  readonly rejectedLength: Tensor;
  /** A per-row constant by name; it must be among the objective's `constants`. */
  constant(name: string): Tensor;
}

/**
 * A training objective: a pure expression over sequence log-probs. The engine sums the row losses and
 * divides by `normalizer` taken over the whole effective batch.
 */
export interface Objective {
  readonly name: string;
  /** Distinguishes two settings of one objective; compiled graphs are kept by it. */
  readonly key: string;
  /** `chosen`: rejected responses are not run at all. */
  readonly responses: 'chosen' | 'pair';
  /** `rows`: mean over rows; `chosen_tokens`: mean over all chosen tokens of the effective batch. */
  readonly normalizer: 'rows' | 'chosen_tokens';
  /** Names of the per-row constants it reads. */
  readonly constants: readonly string[];
  /**
   * By what a row's logistic loss is multiplied, given the row's reward margin r (label smoothing aside); left out
   * where there is no such factor.
   */
  focalFactor?(margin: number): number;
  /** The row losses, shape [rows]. */
  expression(inputs: ObjectiveInputs): Tensor;
}
