/** Who asks: the key in `Authorization: Bearer`, or anyone on this machine while there are no keys. */
import { ApiError } from '../api-error.ts';
import type { RateLimiter } from '../http/rate-limit.ts';
import type { KeyStore } from './key-store.ts';
import { type Caller, LOCAL_CALLER, type Role } from './roles.ts';

export interface AuthenticatorOptions {
  readonly keys: KeyStore;
  /** Whether callers without a key are taken while no key was ever made: on loopback only. */
  readonly openWithoutKeys: boolean;
  /** Counts keys that were not valid, by address. */
  readonly failures: RateLimiter;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * @param authorization the header, or null
   * @throws {ApiError} 401; 429 for an address that has tried many keys
   */
  async callerOf(
    authorization: string | null,
    address: string,
    access: Role | 'any' | 'public',
  ): Promise<Caller> {
    const { keys, openWithoutKeys, failures } = this.#options;
    if (access === 'public') return LOCAL_CALLER;
    if (openWithoutKeys && !(await keys.hasKeys())) return LOCAL_CALLER;
    if (authorization === null) {
      throw refusal('no key; send one as "Authorization: Bearer <key>" (lifealign keys add makes one)');
    }
    // An address that guesses is not asked any more; a valid key from it has to wait too.
    failures.check(address);
    const [, text] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    const caller = text === undefined ? null : await keys.verify(text);
    if (caller) return caller;
    failures.take(address);
    throw refusal('the key is not valid');
  }
}

function refusal(message: string): ApiError {
  return new ApiError(401, message, { code: 'invalid_api_key', headers: { 'www-authenticate': 'Bearer' } });
}
