/** The listening socket: bounds on what a slow or silent client can hold, and an end in order. */
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import type { Hono } from 'hono';
import { UserError } from '../../support/errors.ts';
import { errorCode } from '../../support/file-error.ts';
import { asApiError } from '../api-error.ts';
import type { AppEnv } from './route.ts';

export interface ServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Milliseconds for a request's headers, and for the whole of it, to arrive. */
  readonly headersTimeout: number;
  readonly receiveTimeout: number;
  /** Milliseconds without a byte in either direction after which a connection is given up. */
  readonly idleTimeout: number;
  readonly onError: (error: unknown) => void;
}

export interface Listening {
  readonly url: string;
  /** Takes no more connections; those that wait for a request are closed. Resolves when none is left. */
  stop(): Promise<void>;
  /** Breaks off what is left. */
  breakOff(): void;
}

const MOST_CONNECTIONS = 2048;
const HEADER_BYTES = 16 * 1024;
const KEEP_ALIVE = 5000;

/** @throws {UserError} for an address that cannot be listened on */
export async function listen(app: Hono<AppEnv>, options: ServerOptions): Promise<Listening> {
  const server = createAdaptorServer({
    fetch: async (request, bindings) => {
      try {
        return await app.fetch(request, bindings as HttpBindings);
      } catch (error) {
        // Not even the application's own handler could tell it.
        options.onError(error);
        return Response.json(asApiError(error).body, { status: 500 });
      }
    },
    overrideGlobalObjects: false,
    serverOptions: {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: options.headersTimeout,
      requestTimeout: options.receiveTimeout,
      keepAliveTimeout: KEEP_ALIVE,
      connectionsCheckingInterval: Math.min(1000, options.headersTimeout),
    },
  }) as Server;
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(options.idleTimeout);
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(addressError(error, options)));
    server.listen({ host: options.host, port: options.port }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        // Connections that have had their answer would otherwise wait for another request. Those that clients opened
        // in store, without a byte so far, Node would wait for too, as for a request that is on its way.
        const closeIdle = () => {
          server.closeIdleConnections();
          for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
        };
        const closing = setInterval(closeIdle, 50);
        server.close(() => {
          clearInterval(closing);
          resolve();
        });
        closeIdle();
      }),
    breakOff: () => server.closeAllConnections(),
  };
}

function addressError(error: Error, { host, port }: ServerOptions): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there',
    EADDRNOTAVAIL: 'this machine has no such address',
    EACCES: 'not permitted',
    ENOTFOUND: 'there is no such host name',
  };
  const reason = reasons[errorCode(error) ?? ''];
  if (reason === undefined) return error;
  return new UserError(`--host ${host} --port ${port}: cannot listen: ${reason}`, { cause: error });
}
