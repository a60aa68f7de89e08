/**
 * What alignment did to the rest of the model, measured on neutral conversations: how far the policy has
 * drifted from the base there, and how well it still knows plain answers. A run whose preference scores rise
 * while these do breaks what it was to align.
 */

/** One prompt's sums, of one response or of several together. Log-probs are natural logarithms. */
export interface NeutralScore {
  /** The row's position in its file, from 0. */
  readonly index: number;
  readonly tokens: number;
  readonly logp: number;
  readonly baseLogp: number;
}

export interface GeneralScores {
  /** Nats per token: the mean negative log-prob of given responses. */
  readonly loss: number;
  /** The base's. */
  readonly baseLoss: number;
  /** Nats per token: how far the policy is from the base on neutral prompts. */
  readonly kl: number;
}

/**
 * KL(π ‖ π_base) per token, by Monte Carlo: with answers y drawn from π at temperature 1,
 * E[log π(y) − log π_base(y)] is the divergence of the two distributions over answers of that length. The
 * sum has no bias, its ratio to the number of tokens next to none; it has noise, and may fall below 0 where
 * the true value is near it.
 *
 * @param drawn of answers that the policy drew itself
 */
export function driftPerToken(drawn: readonly NeutralScore[]): number {
  return total(drawn, (row) => row.logp - row.baseLogp) / total(drawn, (row) => row.tokens);
}

/** Mean negative log-prob per token, under the policy or the base. */
export function lossPerToken(given: readonly NeutralScore[], of: 'policy' | 'base'): number {
  const logp = total(given, (row) => (of === 'policy' ? row.logp : row.baseLogp));
  return -logp / total(given, (row) => row.tokens);
}

/** @param given of the responses that stand in the file, @param drawn of answers that the policy drew */
export function generalScores(given: readonly NeutralScore[], drawn: readonly NeutralScore[]): GeneralScores {
  return {
    loss: lossPerToken(given, 'policy'),
    baseLoss: lossPerToken(given, 'base'),
    kl: driftPerToken(drawn),
  };
}

function total(rows: readonly NeutralScore[], value: (row: NeutralScore) => number): number {
  return rows.reduce((sum, row) => sum + value(row), 0);
}
