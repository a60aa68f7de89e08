/** A route as data: what it takes, who may use it, how it is documented, and what answers. */

import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type * as z from 'zod';
import type { Caller, Role } from '../keys/roles.ts';

/** What a request's log line says beside method, route and status. No content. */
export type LogFields = Record<string, string | number | boolean | null>;

export interface AppEnv {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    /** The route's path with its parameters' names; none for what is no route. */
    route: string | undefined;
    caller: Caller | undefined;
    logFields: LogFields;
  };
}

export type AppContext = Context<AppEnv>;

export interface RouteInput<Body, Query> {
  readonly body: Body;
  readonly query: Query;
  /** From the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly caller: Caller;
  /** Whose requests take turns: the key, or the address where there are no keys. */
  readonly client: string;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
  readonly headers: Headers;
  readonly logFields: LogFields;
  /**
   * For routes that take an upload: puts the body into a file of that name, which is gone when `work` is done.
   * @throws {ApiError} 413, 415 or 400
   */
  upload<T>(name: string, work: (file: string) => Promise<T>): Promise<T>;
}

export interface Documentation {
  readonly summary: string;
  /** Shown in place of the body's schema where that is checked later. */
  readonly body?: z.ZodType;
  /** Of the answer, if it is JSON. */
  readonly response?: z.ZodType;
  /** What it is answered with when all went well; 200 if left out. */
  readonly success?: readonly number[];
  /** May also come as server-sent events. */
  readonly streams?: true;
  /** Statuses beside those that every route has. */
  readonly statuses?: Readonly<Record<number, string>>;
  /** Of the answer, if it is no JSON. */
  readonly contentType?: string;
}

export interface Route<Body = unknown, Query = unknown> {
  readonly method: 'get' | 'post' | 'delete';
  /** With parameters in braces: `/v1/models/{model}`. */
  readonly path: string;
  /** `any`: every key; `public`: nobody is asked who they are. */
  readonly access: Role | 'any' | 'public';
  readonly documentation: Documentation;
  /** Bodies are JSON, but for those of uploads. */
  readonly body?: z.ZodType<Body>;
  /** The body is a file's bytes. */
  readonly upload?: true;
  readonly query?: z.ZodType<Query>;
  handle(input: RouteInput<Body, Query>): Promise<Response> | Response;
}

/** Keeps the types of body and query together with the handler that takes them. */
export function route<Body = undefined, Query = undefined>(definition: Route<Body, Query>): Route {
  return definition as unknown as Route;
}

/** JSON that no cache keeps. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return Response.json(value, { status, headers });
}
