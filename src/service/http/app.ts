/**
 * The HTTP application: routes behind their guards. In order a request meets: its log line and metrics; host and
 * origin; who asks and what they may; how often they ask; its body's size and shape; and then its route.
 */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import * as z from 'zod';
import { ApiError, asApiError } from '../api-error.ts';
import type { Authenticator } from '../keys/authenticator.ts';
import { may } from '../keys/roles.ts';
import { readJson } from './body.ts';
import { errorFields, type Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { checkOrigin, corsHeaders, type OriginRules } from './origin.ts';
import { parse } from './parse.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { AppContext, AppEnv, Route } from './route.ts';
import { refuseZeroBytes } from './text.ts';
import { withUpload } from './upload.ts';

export interface AppOptions {
  readonly routes: readonly Route[];
  readonly authenticator: Authenticator;
  readonly rates: RateLimiter;
  readonly origins: OriginRules;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Bytes: of JSON, and of an uploaded file. */
  readonly bodyLimit: number;
  readonly uploadLimit: number;
  /** Whether the service ends: only health is told then. */
  readonly ending: () => boolean;
}

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

const noQuery = z.strictObject({});

export function createApp(options: AppOptions): Hono<AppEnv> {
  const { routes, origins } = options;
  const app = new Hono<AppEnv>();
  app.use('*', async (context, next) => {
    context.set('requestId', `req_${randomUUID().replaceAll('-', '')}`);
    context.set('logFields', {});
    const start = performance.now();
    await next();
    finish(context, options);
    told(context, options, (performance.now() - start) / 1000);
  });
  app.use('*', async (context, next) => {
    checkOrigin(context.req.raw, origins);
    if (context.req.method === 'OPTIONS') return context.body(null, 204);
    return next();
  });
  for (const route of routes) {
    app.on(route.method.toUpperCase(), honoPath(route.path), (context) => answer(context, route, options));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    app.all(honoPath(path), (context) => {
      context.set('route', path);
      const headers = { allow: methods.join(', ') };
      throw new ApiError(405, `expected ${methods.join(' or ')}`, { headers });
    });
  }
  app.notFound(() => {
    const message = 'there is nothing at this address; /openapi.json lists what there is';
    return refuse(new ApiError(404, message));
  });
  app.onError((error, context) => {
    const told = asApiError(error);
    if (told.status >= 500 && !(error instanceof ApiError)) {
      options.logger.error({ request: context.get('requestId'), ...errorFields(error) }, 'a request failed');
    }
    return refuse(told);
  });
  return app;
}

async function answer(context: AppContext, route: Route, options: AppOptions): Promise<Response> {
  context.set('route', route.path);
  const { raw } = context.req;
  if (options.ending() && route.access !== 'public') {
    const headers = { connection: 'close' };
    throw new ApiError(503, 'the service is shutting down', {
      code: 'shutting_down',
      retryAfter: 5,
      headers,
    });
  }
  const address = context.env.incoming.socket.remoteAddress ?? 'unknown';
  const caller = await options.authenticator.callerOf(
    raw.headers.get('authorization'),
    address,
    route.access,
  );
  context.set('caller', caller);
  const client = caller.id === 'local' ? address : caller.id;
  if (route.access !== 'public') {
    options.rates.take(client);
    if (!may(caller, route.access)) {
      throw new ApiError(403, `this needs a key with the role ${route.access}`, { code: 'missing_role' });
    }
  }
  const [params, query] = [context.req.param() as Record<string, string>, singleValues(context)];
  refuseZeroBytes({ ...params, ...query });
  return route.handle({
    query: parse(route.query ?? noQuery, query),
    body: route.body ? parse(route.body, await readJson(context.env.incoming, options.bodyLimit)) : undefined,
    params,
    caller,
    client,
    // Made when it is asked for: it has a price.
    get signal() {
      return raw.signal;
    },
    headers: raw.headers,
    logFields: context.get('logFields'),
    upload: (name, work) => withUpload(context.env.incoming, { limit: options.uploadLimit, name }, work),
  });
}

/** @throws {ApiError} 400 for a name that stands there twice: which one counts would be a guess */
function singleValues(context: AppContext): Record<string, string> {
  const entries = Object.entries(context.req.queries());
  const twice = entries.find(([, values]) => values.length > 1);
  if (twice) throw new ApiError(400, `${twice[0].slice(0, 100)}: given more than once`);
  return Object.fromEntries(entries.map(([name, values]) => [name, values[0] as string]));
}

function refuse(error: ApiError): Response {
  return Response.json(error.body, { status: error.status, headers: error.headers });
}

/** Headers that every answer has. */
function finish(context: AppContext, { origins }: AppOptions): void {
  const { headers } = context.res;
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    // A page has a policy of its own.
    if (!headers.has(name)) headers.set(name, value);
  }
  headers.set('x-request-id', context.get('requestId'));
  const origin = context.req.header('origin') ?? null;
  for (const [name, value] of Object.entries(corsHeaders(origin, origins))) headers.set(name, value);
}

function told(context: AppContext, { metrics, logger }: AppOptions, seconds: number): void {
  const route = context.get('route') ?? 'none';
  const { status } = context.res;
  const { method } = context.req;
  // Methods are whatever a client sends.
  metrics.request(/^(GET|POST|DELETE|HEAD|OPTIONS)$/.test(method) ? method : 'other', route, status, seconds);
  const fields = {
    request: context.get('requestId'),
    ...{ method: method.slice(0, 16), route, status },
    ms: Math.round(1000 * seconds),
    key: context.get('caller')?.id ?? null,
    ...context.get('logFields'),
  };
  // Who only asks for health asks often.
  if (status >= 500) logger.warn(fields, 'request');
  else if (route === '/healthz' || route === '/readyz') logger.debug(fields, 'request');
  else logger.info(fields, 'request');
}

/** `/v1/models/{model}` as the router writes it. */
function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
