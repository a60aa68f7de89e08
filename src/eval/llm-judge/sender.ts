/**
 * Sends requests until each has its reply: at the pace and within the limits of the run, again after
 * faults that pass. Between the client, which knows what was asked before, and the transport.
 */
import { UserError } from '../../support/errors.ts';
import { Budget, type Charge } from './budget.ts';
import { type ChatReply, type ChatRequest, type ChatTransport, mostPromptTokens } from './chat.ts';
import { type Clock, systemClock } from './clock.ts';
import { EndpointError } from './endpoint-error.ts';
import { Pace } from './pace.ts';
import type { LlmJudgeSettings } from './settings.ts';

/** Back-off in milliseconds: doubled with each retry up to the longest, then spread over its upper half. */
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
/** An endpoint that wants to be left alone for longer ends the run; milliseconds. */
const LONGEST_PAUSE = 300_000;

/** How a call is ended from outside. */
export interface Control {
  /** Ends requests under way. */
  readonly signal: AbortSignal | undefined;
  /** No new requests; those under way have been paid for and may end. Aborted with `signal`, too. */
  readonly stop: AbortSignal;
}

export type Asked = (
  | { readonly reply: ChatReply; readonly rejection?: undefined }
  /** Why the endpoint cannot take this request, though it takes others. */
  | { readonly rejection: string }
) & {
  /** HTTP requests sent for it; 0 if the reply was known. */
  readonly requests: number;
};

export interface SenderOptions {
  readonly settings: LlmJudgeSettings;
  readonly transport: ChatTransport;
  readonly warn: (message: string) => void;
  readonly clock?: Clock | undefined;
}

export class Sender {
  readonly budget: Budget;
  readonly #settings: LlmJudgeSettings;
  readonly #transport: ChatTransport;
  readonly #warn: (message: string) => void;
  readonly #clock: Clock;
  readonly #pace: Pace;
  #hasAnswered = false;
  #hasWarnedOfUsage = false;

  constructor({ settings, transport, warn, clock = systemClock }: SenderOptions) {
    this.budget = new Budget(settings);
    this.#settings = settings;
    this.#transport = transport;
    this.#warn = warn;
    this.#clock = clock;
    this.#pace = new Pace(clock, settings.requests_per_minute);
  }

  /**
   * The reply, after as many attempts as it takes.
   * @throws {EndpointError | JudgeLimitReached} where there is none; the reasons of the signals.
   */
  async send(request: ChatRequest, control: Control): Promise<Asked> {
    for (let attempt = 0; ; attempt++) {
      try {
        return { reply: await this.#attempt(request, control), requests: attempt + 1 };
      } catch (error) {
        if (!(error instanceof EndpointError)) throw error;
        if (error.fault === 'item') return { rejection: error.message, requests: attempt + 1 };
        if (error.fault === 'fatal') throw error;
        // A server that was there comes back; one that never was is a mistyped address.
        if (error.fault === 'unreachable' && !this.#hasAnswered) throw error;
        if (attempt >= this.#settings.max_retries)
          throw gaveUp(error, `gave up after ${attempt + 1} attempts`);
        const wait = this.#delay(attempt, error.retryAfter);
        if (wait > LONGEST_PAUSE) throw gaveUp(error, `asked to wait ${Math.ceil(wait / 1000)} s`);
        // Throttling is meant for all requests, not for this one alone.
        if (error.retryAfter !== undefined) this.#pace.pause(wait);
        await this.#clock.sleep(wait, control.stop);
      }
    }
  }

  async #attempt(request: ChatRequest, { signal, stop }: Control): Promise<ChatReply> {
    const most = { prompt: mostPromptTokens(request), reply: request.maxReplyTokens };
    const settle = await this.budget.reserve(most, stop);
    let charge: Charge = 'unsent';
    try {
      await this.#pace.turn(stop);
      charge = 'unknown';
      const reply = await this.#transport.complete(request, signal);
      this.#hasAnswered = true;
      charge = reply.usage ?? 'unknown';
      if (reply.usage === null) this.#warnOfUsage();
      return reply;
    } catch (error) {
      if (error instanceof EndpointError) {
        if (error.fault !== 'unreachable') this.#hasAnswered = true;
        if (!error.mayBeCharged) charge = 'free';
      }
      throw error;
    } finally {
      settle(charge);
    }
  }

  /** Milliseconds before the next attempt. Chance must differ between processes: it keeps them apart. */
  #delay(attempt: number, retryAfter: number | undefined): number {
    if (retryAfter !== undefined) return retryAfter + Math.random() * FIRST_DELAY;
    return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt) * (0.5 + 0.5 * Math.random());
  }

  #warnOfUsage(): void {
    const { max_tokens, max_cost } = this.#settings;
    if (this.#hasWarnedOfUsage || (max_tokens === null && max_cost === null)) return;
    this.#hasWarnedOfUsage = true;
    this.#warn('the judge does not say how many tokens it used; its limits count the most there can be');
  }
}

function gaveUp(error: EndpointError, why: string): UserError {
  const advice = 'replies so far are kept: run again to go on';
  return new UserError(`${error.message} (${why}; ${advice})`, { exitCode: 1, cause: error });
}
