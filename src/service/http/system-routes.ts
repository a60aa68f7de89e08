/** Routes about the service itself. */
import * as z from 'zod';
import type { Metrics } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { json, type Route, route } from './route.ts';

export interface SystemRoutesOptions {
  readonly metrics: Metrics;
  /** Why requests cannot be served now; null where they can. */
  readonly notReady: () => Promise<string | null>;
  /** All other routes, for the document. */
  readonly routes: readonly Route[];
}

export function systemRoutes({ metrics, notReady, routes }: SystemRoutesOptions): readonly Route[] {
  const status = z.object({ status: z.string() });
  const system: readonly Route[] = [
    route({
      method: 'get',
      path: '/healthz',
      access: 'public',
      documentation: { summary: 'Whether the process is alive.', response: status },
      handle: () => json({ status: 'ok' }),
    }),
    route({
      method: 'get',
      path: '/readyz',
      access: 'public',
      documentation: {
        summary: 'Whether requests are served: 503 with the reason where not.',
        response: status,
      },
      async handle() {
        const reason = await notReady();
        return reason === null ? json({ status: 'ok' }) : json({ status: reason }, 503);
      },
    }),
    route({
      method: 'get',
      path: '/metrics',
      access: 'any',
      documentation: {
        summary: 'Counts and times for Prometheus; any key will do.',
        contentType: 'text/plain',
      },
      async handle() {
        const headers = { 'content-type': metrics.registry.contentType };
        return new Response(await metrics.registry.metrics(), { headers });
      },
    }),
    route({
      method: 'get',
      path: '/openapi.json',
      access: 'public',
      documentation: { summary: 'This document.' },
      handle: () => json(document),
    }),
  ];
  const document = openApiDocument([...routes, ...system]);
  return system;
}
