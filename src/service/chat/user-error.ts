/** Errors of the layers below as the API tells them. */
import { UserError } from '../../support/errors.ts';
import { ApiError } from '../api-error.ts';

/** A defect's message may hold anything: it is logged, and the client is told that there was one. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof UserError) {
    return new ApiError(error.exitCode === 2 ? 400 : 500, error.message, { cause: error });
  }
  return new ApiError(500, 'the server failed at this request; its log says why', { cause: error });
}
