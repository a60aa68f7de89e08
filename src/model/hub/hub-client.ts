/**
 * Requests to a Hugging Face Hub: the token goes to the hub's own host and nowhere else, and whatever
 * fails becomes an error a user can act on. Below everything that pulls models.
 */
import { HUB_URL, HubApiError, InvalidApiResponseFormatError } from '@huggingface/hub';
import { UserError } from '../../support/errors.ts';

export interface Hub {
  /** Without a trailing slash. */
  readonly url: string;
  /** The token is added here, so that nothing else needs to know it. */
  readonly fetch: typeof fetch;
}

/** The hub did not do what was asked; `status` is absent where it could not be reached at all. */
export class HubError extends UserError {
  override readonly name = 'HubError';
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, options: ErrorOptions = {}) {
    super(message, { ...options, exitCode: status === 404 ? 2 : 1 });
    this.status = status;
  }
}

/**
 * @param url the hub; by default `HF_ENDPOINT`, else the public one
 * @param env where `HF_ENDPOINT` and the token, `HF_TOKEN`, are read
 */
export function openHub(url?: string, env: Readonly<Record<string, string | undefined>> = process.env): Hub {
  const text = url || env['HF_ENDPOINT'] || HUB_URL;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UserError(`"${text}" is not the address of a hub; expected one like ${HUB_URL}`);
  }
  const base = text.replace(/\/+$/, '');
  const token = env['HF_TOKEN']?.trim();
  const authorised: typeof fetch = async (input, init = {}) => {
    const target = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init.headers);
    // A redirect to a storage host is followed without it, as the fetch standard says.
    if (token && target.origin === new URL(base).origin) headers.set('authorization', `Bearer ${token}`);
    return fetch(target, { ...init, headers });
  };
  return { url: base, fetch: authorised };
}

/** Runs a request; `what` is its subject in the error's message. */
export async function asking<T>(hub: Hub, what: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw hubError(hub, what, error);
  }
}

/** The error for an answer other than the one asked for. */
export function refusal(hub: Hub, what: string, status: number, cause?: unknown): HubError {
  const reasons: Record<number, string> = {
    401: 'access refused; it is private, gated or not there: set HF_TOKEN to a token that may read it',
    403: 'access refused; if it is gated, accept its conditions on the hub and set HF_TOKEN',
    404: 'no such repository, revision or file',
    429: 'too many requests; try again later',
  };
  const reason = reasons[status] ?? 'the hub could not answer';
  return new HubError(`${what} at ${hub.url}: ${reason} (HTTP ${status})`, status, { cause });
}

function hubError(hub: Hub, what: string, error: unknown): unknown {
  if (error instanceof HubApiError) return refusal(hub, what, error.statusCode, error);
  if (error instanceof InvalidApiResponseFormatError || error instanceof SyntaxError) {
    return new HubError(`${what} at ${hub.url}: the answer is not a hub's`, undefined, { cause: error });
  }
  if (isNetworkError(error)) {
    return new HubError(`${what}: ${hub.url} can't be reached (${reasonOf(error)})`, undefined, {
      cause: error,
    });
  }
  return error;
}

/** `fetch` rejects with a TypeError that has the system's error as cause; a broken body likewise. */
export function isNetworkError(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error.name === 'TimeoutError' || (error instanceof TypeError && error.cause instanceof Error);
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
