/**
 * A local stand-in for a model hub: the three addresses a pull uses, with big files redirected to a
 * storage host, as on the real one. What it serves and how it misbehaves is set by each test.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export interface HubServer {
  readonly url: string;
  /** Served under `owner/name`; those in `big` lie on the storage host. */
  readonly files: Map<string, Buffer>;
  readonly big: Set<string>;
  /** Hashes announced in place of the true ones. */
  readonly announced: Map<string, string>;
  /** Sizes announced in place of the true ones. */
  readonly announcedSizes: Map<string, number>;
  /** How many bytes of each storage answer are sent before the connection breaks; used up front first. */
  readonly breakAfter: number[];
  /** Status every request is answered with, if any. */
  status: number | undefined;
  ignoreRanges: boolean;
  /** The listing says that it goes on at the storage host. */
  listingGoesOn: boolean;
  readonly requests: {
    host: 'hub' | 'storage';
    path: string;
    token: string | undefined;
    range: string | undefined;
  }[];
  close(): Promise<void>;
}

export async function startHub(): Promise<HubServer> {
  const hub = createServer((request, response) => answerHub(request, response));
  const storage = createServer((request, response) => answerStorage(request, response));
  const url = await listen(hub);
  const storageUrl = await listen(storage);
  const state: HubServer = {
    url,
    files: new Map(),
    big: new Set(),
    announced: new Map(),
    announcedSizes: new Map(),
    breakAfter: [],
    status: undefined,
    ignoreRanges: false,
    listingGoesOn: false,
    requests: [],
    close: async () => {
      for (const server of [hub, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return state;

  function note(host: 'hub' | 'storage', request: IncomingMessage): string {
    const path = new URL(request.url ?? '/', 'http://any').pathname;
    state.requests.push({ host, path, token: request.headers.authorization, range: request.headers.range });
    return path;
  }

  function answerHub(request: IncomingMessage, response: ServerResponse): void {
    const path = note('hub', request);
    const file = path.startsWith(`/owner/name/resolve/${COMMIT}/`) ? path.split('/').at(-1)! : '';
    const content = state.files.get(file);
    if (state.status !== undefined) response.writeHead(state.status).end();
    else if (path === '/api/models/owner/name/revision/main')
      json(response, { id: 'owner/name', sha: COMMIT });
    else if (path === `/api/models/owner/name/tree/${COMMIT}`) {
      if (state.listingGoesOn) response.setHeader('link', `<${storageUrl}/more>; rel="next"`);
      json(response, tree());
    } else if (content === undefined) response.writeHead(404).end();
    else if (state.big.has(file)) response.writeHead(302, { location: `${storageUrl}/${file}` }).end();
    else response.end(content);
  }

  function answerStorage(request: IncomingMessage, response: ServerResponse): void {
    const path = note('storage', request);
    const content = path === '/more' ? Buffer.from('[]') : state.files.get(path.slice(1))!;
    const start = state.ignoreRanges
      ? 0
      : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = content.subarray(start);
    const headers = {
      'content-length': rest.length,
      'content-range': `bytes ${start}-${content.length - 1}/${content.length}`,
    };
    response.writeHead(start > 0 ? 206 : 200, headers);
    const cut = state.breakAfter.shift();
    if (cut === undefined) {
      response.end(rest);
      return;
    }
    response.write(rest.subarray(0, cut));
    void breakOff(response);
  }

  /** Once the bytes have been read: in this process, so in turns of its event loop, and not in milliseconds. */
  async function breakOff(response: ServerResponse): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await wait(5);
    response.socket?.destroy();
  }

  function tree(): object[] {
    return [...state.files].map(([path, content]) => {
      const big = state.big.has(path);
      const hash = state.announced.get(path) ?? (big ? sha256(content) : gitHash(content));
      const size = state.announcedSizes.get(path) ?? content.length;
      const lfs = { oid: hash, size, pointerSize: 130 };
      return {
        type: 'file',
        path,
        size,
        oid: big ? '0'.repeat(40) : hash,
        ...(big ? { lfs } : {}),
      };
    });
  }
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function gitHash(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
