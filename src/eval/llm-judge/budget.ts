/**
 * What a run may spend on judging. A request reserves the most it can cost before it starts, so that no
 * limit is ever passed; one that fits only once others are done and cost less waits for them.
 */
import { UserError } from '../../support/errors.ts';
import type { TokenUsage } from './judge.ts';
import type { LlmJudgeSettings } from './settings.ts';

/** A limit was reached. Replies that came are in the cache: with a higher limit, a rerun goes on from there. */
export class JudgeLimitReached extends UserError {
  override readonly name = 'JudgeLimitReached';

  constructor(limit: string, spent: string) {
    const advice = 'replies so far are kept: raise the limit and run again';
    super(`the judge stopped at its limit ${limit}, with ${spent} spent; ${advice}`, { exitCode: 1 });
  }
}

/** `unsent`: no request was made; `free`: made and not charged; `unknown`: perhaps charged, taken in full. */
export type Charge = TokenUsage | 'unsent' | 'free' | 'unknown';

type BudgetSettings = Pick<LlmJudgeSettings, 'max_requests' | 'max_tokens' | 'max_cost' | 'prices'>;

export class Budget {
  readonly #settings: BudgetSettings;
  #requests = 0;
  #spent: TokenUsage = { prompt: 0, reply: 0 };
  #reserved: TokenUsage = { prompt: 0, reply: 0 };
  #underWay = 0;
  #waiting: (() => void)[] = [];

  constructor(settings: BudgetSettings) {
    this.#settings = settings;
  }

  /** Requests sent, or about to be. */
  get requests(): number {
    return this.#requests;
  }

  /** Tokens paid for; where the endpoint did not say how many, the most there can have been. */
  get spent(): TokenUsage {
    return this.#spent;
  }

  /** In the currency of the prices; null without prices. */
  costOf({ prompt, reply }: TokenUsage): number | null {
    const { prices } = this.#settings;
    return prices === null ? null : (prompt * prices.prompt + reply * prices.reply) / 1e6;
  }

  /**
   * Waits until one more request of at most `most` tokens cannot pass a limit.
   * @returns what must be called once when the request has ended, with what it cost.
   * @throws {JudgeLimitReached} where no waiting helps; the reason of `stop`.
   */
  async reserve(most: TokenUsage, stop: AbortSignal): Promise<(charge: Charge) => void> {
    for (;;) {
      stop.throwIfAborted();
      const passed = this.#limitPassedBy(most);
      if (passed === undefined) break;
      // A request under way may turn out unsent, or cheaper than it might have been.
      if (this.#underWay === 0) throw passed;
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
    this.#requests++;
    this.#underWay++;
    this.#reserved = sum(this.#reserved, most);
    return (charge) => {
      this.#underWay--;
      this.#reserved = sum(this.#reserved, most, -1);
      if (charge === 'unsent') this.#requests--;
      else if (charge === 'unknown') this.#spent = sum(this.#spent, most);
      else if (charge !== 'free') this.#spent = sum(this.#spent, charge);
      for (const wake of this.#waiting.splice(0)) wake();
    };
  }

  #limitPassedBy(most: TokenUsage): JudgeLimitReached | undefined {
    const { max_requests, max_tokens, max_cost } = this.#settings;
    if (max_requests !== null && this.#requests >= max_requests) {
      return new JudgeLimitReached(`max_requests ${max_requests}`, `${this.#requests} requests`);
    }
    const after = sum(sum(this.#spent, this.#reserved), most);
    const spent = this.#spent;
    if (max_tokens !== null && after.prompt + after.reply > max_tokens) {
      return new JudgeLimitReached(`max_tokens ${max_tokens}`, `${spent.prompt + spent.reply} tokens`);
    }
    const cost = this.costOf(after);
    if (max_cost !== null && cost !== null && cost > max_cost) {
      return new JudgeLimitReached(`max_cost ${max_cost}`, `${this.costOf(spent)?.toPrecision(3)}`);
    }
    return undefined;
  }
}

export function sum(a: TokenUsage, b: TokenUsage, sign: 1 | -1 = 1): TokenUsage {
  return { prompt: a.prompt + sign * b.prompt, reply: a.reply + sign * b.reply };
}
