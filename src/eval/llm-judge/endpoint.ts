/**
 * Which endpoint judges, from the environment alone: a config file that came from somewhere else cannot
 * send the key to another host. Below the transport.
 */
import { UserError } from '../../support/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const BASE_URL_VARIABLE = 'LIFEALIGN_JUDGE_BASE_URL';
export const MODEL_VARIABLE = 'LIFEALIGN_JUDGE_MODEL';
const KEY_VARIABLE = 'LIFEALIGN_JUDGE_API_KEY';
const OPENAI_HOST = 'api.openai.com';
/** Shorter keys are placeholders such as "none"; taking those out of texts would only garble them. */
const SHORTEST_SECRET = 8;

/** The key is private to the object: printing or serialising it shows none. */
export class Endpoint {
  readonly url: URL;
  /** The variable the key was read from, or the one to set. */
  readonly keyVariable: string;
  readonly #key: string | undefined;

  constructor(url: URL, keyVariable: string, key: string | undefined) {
    this.url = url;
    this.keyVariable = keyVariable;
    this.#key = key;
  }

  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  /** For messages: without the query, where some services take secrets. */
  get shown(): string {
    return `${this.url.origin}${this.url.pathname}`;
  }

  /** The address of chat completions; a query of the base URL stays. */
  get completions(): URL {
    const url = new URL(this.url);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`;
    return url;
  }

  get headers(): Record<string, string> {
    const json = { 'content-type': 'application/json', accept: 'application/json' };
    return this.#key === undefined ? json : { ...json, authorization: `Bearer ${this.#key}` };
  }

  /** A text from the endpoint, which might say the key back. */
  redact(text: string): string {
    if (this.#key === undefined || this.#key.length < SHORTEST_SECRET) return text;
    return text.replaceAll(this.#key, '[key]');
  }
}

/**
 * Reads `LIFEALIGN_JUDGE_BASE_URL` or else `OPENAI_BASE_URL`, and `LIFEALIGN_JUDGE_API_KEY`, which local
 * servers may not need. `OPENAI_API_KEY` takes its place only for `OPENAI_BASE_URL` or OpenAI's own
 * host: nobody else shall see that key. Empty variables count as unset.
 * @throws {UserError} without a base URL, or with one or a key that cannot be used.
 */
export function readEndpoint(env: Environment): Endpoint {
  const own = env[BASE_URL_VARIABLE]?.trim();
  const text = own || env['OPENAI_BASE_URL']?.trim();
  if (!text) {
    throw new UserError(
      `no judge to ask: set ${BASE_URL_VARIABLE} (or OPENAI_BASE_URL) to the base URL of an OpenAI-compatible endpoint, such as http://localhost:8000/v1`,
    );
  }
  const url = parseBaseUrl(text, own ? BASE_URL_VARIABLE : 'OPENAI_BASE_URL');
  const maySeeOpenaiKey = !own || (url.protocol === 'https:' && url.hostname === OPENAI_HOST);
  const variable = !env[KEY_VARIABLE]?.trim() && maySeeOpenaiKey ? 'OPENAI_API_KEY' : KEY_VARIABLE;
  const key = env[variable]?.trim() || undefined;
  // What cannot stand in a header would come back in an error message that quotes it.
  if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
    throw new UserError(`${variable} is not a key: it has characters a key cannot have`);
  }
  return new Endpoint(url, key === undefined ? KEY_VARIABLE : variable, key);
}

/** Nothing of a wrong URL is printed: it may hold a password. */
function parseBaseUrl(text: string, variable: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UserError(`${variable} is not an http(s) URL; expected one like http://localhost:8000/v1`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UserError(`${variable} must not contain a user name or password; set ${KEY_VARIABLE} instead`);
  }
  return url;
}
