/** One request to an OpenAI-compatible endpoint over HTTP: `POST <base>/chat/completions`. */
import * as z from 'zod';
import type { ChatReply, ChatRequest, ChatTransport } from './chat.ts';
import type { Endpoint } from './endpoint.ts';
import { type ErrorBody, malformedReply, networkError, statusError, timedOut } from './endpoint-error.ts';
import type { LlmJudgeSettings } from './settings.ts';

/** Of an error page no more than this is quoted. */
const MOST_QUOTED = 300;

const completion = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage: z
    .object({
      prompt_tokens: z.number().int().nonnegative(),
      completion_tokens: z.number().int().nonnegative(),
    })
    .nullish()
    .catch(null),
});

const errorBody = z.object({
  error: z.union([
    z.string(),
    z.object({ message: z.string().catch(''), code: z.union([z.string(), z.number()]).nullish() }),
  ]),
});

type TransportSettings = Pick<LlmJudgeSettings, 'timeout_seconds' | 'token_parameter'>;

export function fetchTransport(endpoint: Endpoint, settings: TransportSettings): ChatTransport {
  return {
    async complete(request, signal) {
      signal?.throwIfAborted();
      // The time for the body counts too, and a signal of our own can be let go of afterwards.
      const ending = new AbortController();
      const end = () => ending.abort(signal?.reason);
      const timer = setTimeout(
        () => ending.abort(timedOut(endpoint, settings.timeout_seconds)),
        1000 * settings.timeout_seconds,
      );
      signal?.addEventListener('abort', end, { once: true });
      try {
        const body = JSON.stringify(requestBody(request, settings));
        const init = { method: 'POST', headers: endpoint.headers, body, signal: ending.signal };
        const response = await fetch(endpoint.completions, { ...init, redirect: 'manual' });
        return readReply(endpoint, response, await response.text());
      } catch (error) {
        if (ending.signal.aborted) throw ending.signal.reason;
        throw networkError(endpoint, error);
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
      }
    },
  };
}

function requestBody(request: ChatRequest, settings: TransportSettings): Record<string, unknown> {
  return {
    model: request.model,
    messages: request.messages,
    [settings.token_parameter]: request.maxReplyTokens,
    ...(request.temperature === null ? {} : { temperature: request.temperature }),
    ...(request.jsonMode ? { response_format: { type: 'json_object' } } : {}),
  };
}

function readReply(endpoint: Endpoint, response: Response, text: string): ChatReply {
  if (response.status !== 200) {
    const body = readError(endpoint, text);
    // Hosted filters answer so for a prompt they will not pass on.
    if (response.status === 400 && body.code === 'content_filter') return filtered(body.message);
    throw statusError(endpoint, response.status, body, retryAfter(response.headers));
  }
  const parsed = completion.safeParse(parseJson(text));
  if (!parsed.success) throw malformedReply(endpoint, parsed.error);
  const { message, finish_reason } = parsed.data.choices[0]!;
  const { usage } = parsed.data;
  return {
    text: endpoint.redact(message.content ?? ''),
    refusal: message.refusal ? endpoint.redact(message.refusal) : null,
    finishReason: finish_reason ?? null,
    usage: usage ? { prompt: usage.prompt_tokens, reply: usage.completion_tokens } : null,
  };
}

function filtered(message: string): ChatReply {
  return { text: '', refusal: message, finishReason: 'content_filter', usage: { prompt: 0, reply: 0 } };
}

function readError(endpoint: Endpoint, text: string): ErrorBody {
  const parsed = errorBody.safeParse(parseJson(text));
  const error = parsed.success ? parsed.data.error : '';
  const { message, code } = typeof error === 'string' ? { message: error, code: '' } : error;
  // Cut after the key is out: half a key would not be found.
  return { message: endpoint.redact(message).slice(0, MOST_QUOTED), code: String(code ?? '') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Milliseconds to wait, from seconds, a date, or the milliseconds some services send beside. */
function retryAfter(headers: Headers): number | undefined {
  const milliseconds = headers.get('retry-after-ms');
  if (milliseconds !== null && /^\d+(\.\d+)?$/.test(milliseconds)) return Number(milliseconds);
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return 1000 * Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
