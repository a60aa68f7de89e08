/** The OpenAPI 3.1 document, made from the routes themselves: their schemas are what requests are checked by. */
import * as z from 'zod';
import { version } from '../../support/version.ts';
import type { Route } from './route.ts';

const STATUSES: Readonly<Record<number, string>> = {
  400: 'The request is wrong; `param` names the field.',
  401: 'No key, or one that is not valid.',
  403: 'The key lacks the role, or a page of another origin asks.',
  413: 'The body is too large.',
  415: 'The body is no JSON.',
  429: 'Too many requests; `Retry-After` says when to ask again.',
  500: 'A defect of the server.',
  503: 'The server is ending, or not ready.',
};

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
};

export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'lifealign',
      version,
      description: 'Chat completions, feedback on them, and the memories behind them.',
    },
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function operation({ path, access, documentation, body, query, upload }: Route): object {
  const { summary, response, statuses, success = [200], contentType = 'application/json' } = documentation;
  const shown = documentation.body ?? body;
  const errors = Object.entries({ ...STATUSES, ...statuses }).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
  ]);
  const schema = response ? toSchema(response, 'output') : {};
  const content = {
    [contentType]: { schema },
    ...(documentation.streams ? { 'text/event-stream': { schema: { type: 'string' } } } : {}),
  };
  const file = { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } };
  return {
    summary,
    ...(access === 'public' ? {} : { security: [{ key: [] }], 'x-role': access }),
    parameters: [...pathParameters(path), ...queryParameters(query)],
    ...(shown
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: toSchema(shown, 'input') } },
          },
        }
      : {}),
    ...(upload ? { requestBody: { required: true, ...file } } : {}),
    responses: {
      ...Object.fromEntries(success.map((status) => [status, { description: 'Done.', content }])),
      ...Object.fromEntries(errors),
    },
  };
}

function pathParameters(path: string): readonly object[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
    ...{ name, in: 'path', required: true },
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodType | undefined): readonly object[] {
  if (!query) return [];
  const { properties = {}, required = [] } = toSchema(query, 'input') as {
    properties?: Record<string, object>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name) },
    schema,
  }));
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
