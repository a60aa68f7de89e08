/** What a request is refused with: a status and OpenAI's error object, which its clients turn into exceptions. */
import { UserError } from '../support/errors.ts';

export interface ApiErrorOptions extends ErrorOptions {
  /** The request's field that is wrong, for example `messages[0].role`. */
  readonly param?: string | undefined;
  /** For programs; OpenAI's where it has one. */
  readonly code?: string;
  /** Seconds after which it makes sense to ask again. */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly param: string | null;
  readonly code: string | null;

  /** @param message for people; nothing of it may be secret */
  constructor(status: number, message: string, options: ApiErrorOptions = {}) {
    super(message, options);
    this.status = status;
    this.param = options.param ?? null;
    this.code = options.code ?? null;
    const wait = options.retryAfter;
    this.headers = {
      ...(wait === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(wait))) }),
      ...options.headers,
    };
  }

  get body() {
    const { message, param, code } = this;
    return { error: { message, type: typeOf(this.status), param, code } };
  }
}

/** OpenAI's names of kinds of errors. */
function typeOf(status: number): string {
  if (status === 429) return 'requests';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** 400, for a request that cannot be answered as it is. */
export function invalid(message: string, param?: string, code?: string): ApiError {
  return new ApiError(400, message, { param, ...(code === undefined ? {} : { code }) });
}

/**
 * Errors of the layers below as the API tells them. A defect's message may hold anything: it is logged, and the client
 * is told that there was one.
 */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof UserError) {
    return new ApiError(error.exitCode === 2 ? 400 : 500, error.message, { cause: error });
  }
  return new ApiError(500, 'the server failed at this request; its log says why', { cause: error });
}
