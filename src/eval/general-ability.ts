/**
 * What alignment did to the rest of the model, measured on neutral conversations: how far the policy has
 * drifted from the base there, and how well it still knows plain answers. A run whose preference scores rise
 * while these do breaks what it was to align.
 */
import { type RatioRow, ratioOf } from './ratios.ts';

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
  return ratioOf(driftRows(drawn));
}

/** What each row adds to the drift. */
export function driftRows(drawn: readonly NeutralScore[]): RatioRow[] {
  return drawn.map(({ logp, baseLogp, tokens }) => ({ sum: logp - baseLogp, tokens }));
}

/** Mean negative log-prob per token, under the policy or the base. */
export function lossPerToken(given: readonly NeutralScore[], of: 'policy' | 'base'): number {
  return ratioOf(lossRows(given, of));
}

export function lossRows(given: readonly NeutralScore[], of: 'policy' | 'base'): RatioRow[] {
  return given.map(({ logp, baseLogp, tokens }) => ({ sum: of === 'policy' ? -logp : -baseLogp, tokens }));
}

/** Of the policy's loss over the base's, on the same responses. */
export function lossChangeRows(given: readonly NeutralScore[]): RatioRow[] {
  return given.map(({ logp, baseLogp, tokens }) => ({ sum: baseLogp - logp, tokens }));
}

/** @param given of the responses that stand in the file, @param drawn of answers that the policy drew */
export function generalScores(given: readonly NeutralScore[], drawn: readonly NeutralScore[]): GeneralScores {
  return {
    loss: lossPerToken(given, 'policy'),
    baseLoss: lossPerToken(given, 'base'),
    kl: driftPerToken(drawn),
  };
}
