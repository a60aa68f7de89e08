/** Requests to the service that the studio came from. */

/** A refusal, in the service's own words. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, message: string, code: string | null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const PLACE = 'lifealign key';

/** For as long as the tab lives. Sent in a header, never in a cookie: no other page can make the browser send it. */
export const key = {
  get: () => sessionStorage.getItem(PLACE),
  set: (text: string) => sessionStorage.setItem(PLACE, text),
  forget: () => sessionStorage.removeItem(PLACE),
};

let tellRefused = () => {};

/** @param tell called whenever the service does not take the key (any more), whatever was asked of it */
export function whenKeyIsRefused(tell: () => void): void {
  tellRefused = tell;
}

export interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly file?: Blob;
  readonly signal?: AbortSignal | undefined;
}

/** @throws {Refusal} for whatever is no success; status 0 where the service was not reached */
export async function ask(path: string, { method, body, file, signal }: Asked = {}): Promise<Response> {
  const headers = new Headers();
  const held = key.get();
  if (held !== null) headers.set('authorization', `Bearer ${held}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (file !== undefined) headers.set('content-type', 'application/octet-stream');
  const sent = file ?? (body === undefined ? null : JSON.stringify(body));
  const options: RequestInit = {
    method: method ?? (sent === null ? 'GET' : 'POST'),
    ...{ headers, body: sent, cache: 'no-store', credentials: 'omit', redirect: 'error' },
    ...(signal ? { signal } : {}),
  };
  const response = await fetch(path, options).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Refusal(0, 'the service cannot be reached', 'unreachable');
  });
  if (response.ok) return response;
  // An answer to what was asked with an earlier key says nothing about this one.
  if (response.status === 401 && key.get() === held) tellRefused();
  throw await refusalOf(response);
}

export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, { signal })).json()) as T;
}

export async function readList<T>(path: string, signal?: AbortSignal): Promise<readonly T[]> {
  return (await read<{ data: readonly T[] }>(path, signal)).data;
}

export async function post<T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, { body, signal })).json()) as T;
}

async function refusalOf(response: Response): Promise<Refusal> {
  const { status } = response;
  const told: unknown = await response.json().catch(() => null);
  const { error } = (told ?? {}) as { error?: { message?: unknown; code?: unknown } };
  const code = typeof error?.code === 'string' ? error.code : null;
  const message = typeof error?.message === 'string' ? error.message : `the service answered ${status}`;
  return new Refusal(status, message, code);
}
