/**
 * Chat completions by another OpenAI-compatible server, in front of which this one stands with its keys, limits
 * and feedback. Its address comes from the command line alone: nothing of a request reaches the address or the
 * headers, and redirects are not followed.
 */
import * as z from 'zod';
import { UserError } from '../../support/errors.ts';
import { errorCode } from '../../support/file-error.ts';
import { ApiError } from '../api-error.ts';
import { parse } from '../http/parse.ts';
import type { ChatBackend, ChatCall, ChatReply, CompletionRecord, ModelEntry } from './backend.ts';
import { EVENT_STREAM_HEADERS } from './event-stream.ts';
import { AnswerReader } from './upstream-answer.ts';

export interface UpstreamOptions {
  /** Its base URL, such as http://localhost:8000/v1. */
  readonly url: URL;
  readonly key: string | null;
  /** Requests at a time; more are refused. */
  readonly concurrency: number;
}

/** All else is the upstream's to judge. */
const request = z.looseObject({
  model: z.string().min(1).max(512),
  messages: z.array(z.unknown()).min(1),
  stream: z.boolean().nullish(),
  store: z.boolean().nullish(),
  user: z.string().nullish(),
  safety_identifier: z.string().nullish(),
});

const models = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      created: z.number().catch(0),
      owned_by: z.string().catch('upstream'),
    }),
  ),
});

/** Bytes of an answer in one piece. */
const LARGEST_ANSWER = 16 * 2 ** 20;
const RETRY_SECONDS = 5;

/** @throws {UserError} for a text that is no base URL; nothing of it is shown where it may hold a password */
export function parseUpstream(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new UserError('--upstream: expected a base URL such as http://localhost:8000/v1');
  }
  if (url.username !== '' || url.password !== '') {
    throw new UserError(
      '--upstream: a user name or password in the URL would end up in logs; set LIFEALIGN_UPSTREAM_API_KEY',
    );
  }
  return url;
}

export class UpstreamBackend implements ChatBackend {
  readonly #options: UpstreamOptions;
  readonly #running = new Set<Promise<void>>();
  #draining = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
  }

  async models(signal: AbortSignal): Promise<readonly ModelEntry[]> {
    const response = await this.#fetch('models', { signal });
    if (!response.ok) throw await refusal(response);
    const parsed = models.safeParse(parseJson(await textOf(response)));
    if (!parsed.success) throw new ApiError(502, 'the upstream server does not list its models');
    return parsed.data.data.map((model) => ({ ...model, object: 'model' }));
  }

  async chat(body: Readonly<Record<string, unknown>>, call: ChatCall): Promise<ChatReply> {
    const asked = parse(request, body);
    if (this.#draining)
      throw new ApiError(503, 'the service is shutting down', { retryAfter: RETRY_SECONDS });
    if (this.#running.size >= this.#options.concurrency) {
      throw new ApiError(429, `${this.#running.size} requests are at work already; ask again later`, {
        code: 'rate_limit_exceeded',
        retryAfter: RETRY_SECONDS,
      });
    }
    const finished = this.#begin();
    try {
      const response = await this.#fetch('chat/completions', {
        method: 'POST',
        body: JSON.stringify(body),
        signal: call.signal,
      });
      if (!response.ok) throw await refusal(response);
      const record = (reader: AnswerReader) => recordAnswer(reader, asked, call);
      const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
      if (!streams || !response.body) {
        const text = await textOf(response);
        if (parseJson(text) === undefined)
          throw new ApiError(502, 'the upstream server answers with something else than JSON');
        const reader = new AnswerReader();
        reader.pushText(text);
        await record(reader);
        finished.end();
        return { response: jsonResponse(text), done: finished.done };
      }
      const stream = passOn(response.body, record, () => {
        finished.end();
      });
      return { response: new Response(stream, { headers: EVENT_STREAM_HEADERS }), done: finished.done };
    } catch (error) {
      finished.end();
      throw error;
    }
  }

  load() {
    return { running: this.#running.size, waiting: 0 };
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all(this.#running);
  }

  async close(): Promise<void> {}

  #begin() {
    let end!: () => void;
    const done = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#running.add(done);
    void done.then(() => this.#running.delete(done));
    return { done, end };
  }

  async #fetch(path: 'models' | 'chat/completions', init: RequestInit): Promise<Response> {
    const { url, key } = this.#options;
    const address = new URL(url);
    address.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`;
    const headers = {
      'content-type': 'application/json',
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    };
    try {
      return await fetch(address, { ...init, headers, redirect: 'manual' });
    } catch (error) {
      if (init.signal?.aborted) throw init.signal.reason;
      const code = errorCode((error as Error).cause) ?? 'no connection';
      throw new ApiError(502, `the upstream server cannot be reached (${code})`, { cause: error });
    }
  }
}

/** What the upstream says about a request is passed on; what it says about this service is not the client's matter. */
async function refusal(response: Response): Promise<ApiError> {
  const { status } = response;
  const text = await textOf(response);
  if (status === 401 || status === 403) {
    return new ApiError(
      502,
      "the upstream server does not accept this service's key (LIFEALIGN_UPSTREAM_API_KEY)",
    );
  }
  if (status < 400) return new ApiError(502, 'the upstream server points elsewhere, which is not followed');
  const shape = z.object({
    error: z.object({ message: z.string(), param: z.string().nullish(), code: z.string().nullish() }),
  });
  const parsed = shape.safeParse(parseJson(text));
  const { message, param, code } = parsed.success
    ? parsed.data.error
    : { message: `the upstream server refuses the request (HTTP ${status})`, param: null, code: null };
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiError(status < 500 || status === 503 ? status : 502, message, {
    ...(param == null ? {} : { param }),
    ...(code == null ? {} : { code }),
    ...(Number.isFinite(retryAfter) ? { retryAfter } : {}),
  });
}

async function recordAnswer(
  reader: AnswerReader,
  asked: z.output<typeof request>,
  { record }: ChatCall,
): Promise<void> {
  const { result } = reader;
  if (!result) return;
  const completion: CompletionRecord = {
    ...result,
    messages: asked.messages,
    person: asked.safety_identifier ?? asked.user ?? null,
    keep: asked.store !== false,
  };
  await record(completion);
}

/** Bytes as they come; the answer is recorded before its end is told. */
function passOn(
  source: ReadableStream<Uint8Array>,
  record: (reader: AnswerReader) => Promise<void>,
  end: () => void,
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const answer = new AnswerReader();
  let recorded = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (value) answer.pushBytes(value);
        if ((done || answer.done) && !recorded) {
          recorded = true;
          await record(answer);
        }
        if (value) controller.enqueue(value);
        if (!done) return;
        controller.close();
        end();
      } catch (error) {
        end();
        // Its status has been sent: the error comes as an event, which clients throw.
        const told = error instanceof ApiError ? error : new ApiError(502, 'the upstream server broke off');
        controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(told.body)}\n\n`));
        controller.close();
      }
    },
    async cancel(reason) {
      end();
      await reader.cancel(reason);
    },
  });
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > LARGEST_ANSWER) throw new ApiError(502, "the upstream server's answer is too large");
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function jsonResponse(text: string): Response {
  return new Response(text, { headers: { 'content-type': 'application/json' } });
}
