/** Why an endpoint gave no reply, whether asking again may help, and what the user can do about it. */
import { UserError } from '../../support/errors.ts';
import { errorCode } from '../../support/file-error.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * `retry`: may pass by itself; `unreachable`: as `retry`, but at the very start a wrong address;
 * `item`: this request alone is the matter; `fatal`: the same for every request.
 */
export type EndpointFault = 'retry' | 'unreachable' | 'item' | 'fatal';

export interface EndpointErrorOptions extends ErrorOptions {
  readonly exitCode?: number;
  /** Milliseconds the endpoint asks to wait. */
  readonly retryAfter?: number | undefined;
  /** The request may have been worked on and charged although no reply came. */
  readonly mayBeCharged?: boolean;
}

export class EndpointError extends UserError {
  override readonly name = 'EndpointError';
  readonly fault: EndpointFault;
  readonly retryAfter: number | undefined;
  readonly mayBeCharged: boolean;

  constructor(fault: EndpointFault, message: string, options: EndpointErrorOptions = {}) {
    super(message, options);
    this.fault = fault;
    this.retryAfter = options.retryAfter;
    this.mayBeCharged = options.mayBeCharged ?? false;
  }
}

/** What an endpoint says about an error, as far as it says something. */
export interface ErrorBody {
  readonly message: string;
  readonly code: string;
}

/** The error for an HTTP status other than 200; `retryAfter` in milliseconds. */
export function statusError(
  endpoint: Endpoint,
  status: number,
  { message, code }: ErrorBody,
  retryAfter?: number,
): EndpointError {
  const where = `the judge at ${endpoint.shown}`;
  const said = message === '' ? '' : `: ${message}`;
  if (status === 401 || status === 403) {
    const reason = endpoint.hasKey ? 'does not accept the key in' : 'wants a key: set';
    // Answers to a wrong key tend to quote it, in part; those about rights say what is missing.
    const detail = status === 401 ? '' : said;
    return new EndpointError('fatal', `${where} ${reason} ${endpoint.keyVariable} (HTTP ${status})${detail}`);
  }
  if (status === 404) {
    const text = `${where} knows no such model or address; many base URLs end in /v1 (HTTP 404)${said}`;
    return new EndpointError('fatal', text);
  }
  if (status >= 300 && status < 400) {
    return new EndpointError(
      'fatal',
      `${where} points elsewhere (HTTP ${status}); set the base URL to there`,
    );
  }
  if (status === 429 && code === 'insufficient_quota') {
    return new EndpointError('fatal', `${where} says that the quota is used up${said}`, { exitCode: 1 });
  }
  if (status === 413 || isTooLong(status, message, code)) {
    return new EndpointError('item', `${where} cannot take a text of this length (HTTP ${status})${said}`);
  }
  if ([408, 409, 429].includes(status) || status >= 500) {
    return new EndpointError('retry', `${where}: HTTP ${status}${said}`, { exitCode: 1, retryAfter });
  }
  return new EndpointError('fatal', `${where} does not accept the request (HTTP ${status})${said}`);
}

function isTooLong(status: number, message: string, code: string): boolean {
  return status === 400 && (code === 'context_length_exceeded' || /context (?:length|window)/i.test(message));
}

/** The error for a reply that is none: HTTP 200, but no chat completion; cut off, for example. */
export function malformedReply(endpoint: Endpoint, cause: unknown): EndpointError {
  const text = `the judge at ${endpoint.shown}: the answer is not a chat completion`;
  return new EndpointError('retry', text, { exitCode: 1, mayBeCharged: true, cause });
}

export function timedOut(endpoint: Endpoint, seconds: number): EndpointError {
  const text = `the judge at ${endpoint.shown}: no reply within ${seconds} s`;
  return new EndpointError('retry', text, { exitCode: 1, mayBeCharged: true });
}

const UNREACHABLE = new Set(['ENOTFOUND', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);

/** `fetch` rejects with a TypeError that has the system's error as cause; a broken body likewise. */
export function networkError(endpoint: Endpoint, error: unknown): unknown {
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error;
  const code = errorCode(error.cause) ?? error.cause.message;
  if (UNREACHABLE.has(code)) {
    const text = `the judge at ${endpoint.shown} can't be reached (${code})`;
    return new EndpointError('unreachable', text, { cause: error });
  }
  const text = `the judge at ${endpoint.shown}: the connection broke (${code})`;
  return new EndpointError('retry', text, { exitCode: 1, mayBeCharged: true, cause: error });
}
