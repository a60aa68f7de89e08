/**
 * Which pages in a browser may talk to the service. A page of another site can make its visitor's browser send
 * requests to this machine (CSRF), also under a name of the attacker's that resolves to 127.0.0.1 (DNS rebinding).
 * The first kind comes with a foreign `Origin`, the second with a foreign `Host`. Programs send no `Origin`.
 */
import { ApiError } from '../api-error.ts';

export interface OriginRules {
  /** Host names without ports, lower case; null: any, for a service whose every request needs a key. */
  readonly hosts: ReadonlySet<string> | null;
  /** Other origins that may call, such as https://chat.example.com. */
  readonly origins: ReadonlySet<string>;
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** @param host as bound: an address or a name */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** @param bound what the service listens on; `named` further names that it is reached by */
export function originRules(
  bound: string,
  named: readonly string[],
  origins: readonly string[],
): OriginRules {
  const own = bound.includes(':') ? `[${bound}]` : bound;
  const hosts = [...named.map((name) => name.toLowerCase()), own.toLowerCase()];
  return {
    hosts: isLoopback(bound) ? new Set([...LOOPBACK, ...hosts]) : named.length > 0 ? new Set(hosts) : null,
    origins: new Set(origins),
  };
}

/**
 * A link is no call: where it leads is shown to the reader, and the page that it stood on sees nothing of it.
 * @throws {ApiError} 403 for a request that a foreign page makes
 */
export function checkOrigin(
  { method, headers }: Pick<Request, 'method' | 'headers'>,
  { hosts, origins }: OriginRules,
): void {
  const host = headers.get('host') ?? '';
  const name = host.replace(/:\d*$/, '').toLowerCase();
  if (hosts !== null && !hosts.has(name)) {
    throw new ApiError(403, 'this service does not answer under that host name (see --allowed-host)', {
      code: 'host_not_allowed',
    });
  }
  const origin = headers.get('origin');
  const foreign =
    origin === null
      ? headers.get('sec-fetch-site') === 'cross-site' && !isLink(method, headers)
      : !isOwn(origin, host);
  if (!foreign || (origin !== null && origins.has(origin))) return;
  throw new ApiError(403, 'pages of other origins may not call this service (see --allowed-origin)', {
    code: 'origin_not_allowed',
  });
}

/** What a browser wants to hear before it lets a page of an allowed origin read an answer. */
export function corsHeaders(
  origin: string | null,
  { origins }: OriginRules,
): Readonly<Record<string, string>> {
  if (origin === null || !origins.has(origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-headers': 'authorization, content-type, idempotency-key',
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-expose-headers': 'retry-after, x-request-id',
    'access-control-max-age': '600',
    vary: 'origin',
  };
}

/** Followed in a tab of its own, not in a frame; browsers let no page write these headers. */
function isLink(method: string, headers: Headers): boolean {
  const isShown =
    headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document';
  return method === 'GET' && isShown;
}

function isOwn(origin: string, host: string): boolean {
  // The scheme may differ behind a proxy that ends TLS.
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}
