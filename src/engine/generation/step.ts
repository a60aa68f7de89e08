/**
 * What an engine brings to generation: a step that computes new tokens of some rows, and a cache of their keys and
 * values. Which row has which slot of the cache is decided above them (generation.ts).
 */

/** New tokens of a row, and where its keys and values belong. */
export interface NewTokens {
  /** How many tokens of the row the cache holds already. */
  readonly start: number;
  readonly tokens: ArrayLike<number>;
}

/** A row's new tokens: where they lie in what the step returned, and where they go. */
export interface Written {
  readonly slot: number;
  readonly start: number;
  readonly count: number;
}

export interface StepResult<Outputs> {
  /** Of every row after its last token, [vocabulary] each, in memory that no later run touches. */
  readonly logits: readonly Float32Array[];
  /** For `Cache.write`. */
  readonly outputs: Outputs;
}

export interface Step<Past, Outputs> {
  /** @param past of the same rows, holding at least each row's `start` tokens */
  run(rows: readonly (NewTokens & Written)[], past: Past): Promise<StepResult<Outputs>>;
}

export interface Cache<Past, Outputs> {
  /** Makes room for at least so many slots, and tokens in each; what they hold is kept as far as it fits. */
  resize(slots: number, tokens: number): void;
  /** `count` slots from `first` on. */
  past(first: number, count: number): Past;
  /** What rows that begin have before them. */
  nothing(count: number): Past;
  /** @param rows in the order in which the step had them */
  write(outputs: Outputs, rows: readonly Written[]): void;
  /** Copies the first `length` tokens of one slot into another. */
  copy(from: number, to: number, length: number): void;
  /** Forgets what a slot holds. */
  clear(slot: number): void;
}
