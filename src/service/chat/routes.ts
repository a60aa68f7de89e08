/** `/v1/chat/completions` and `/v1/models`, over whatever answers. */
import * as z from 'zod';
import { ApiError } from '../api-error.ts';
import type { Metrics } from '../http/metrics.ts';
import { json, type Route, route } from '../http/route.ts';
import { refuseZeroBytes } from '../http/text.ts';
import type { ChatBackend, ChatCall, CompletionRecord } from './backend.ts';
import { modelNotFound } from './local-backend.ts';
import { chatRequestSchema } from './request.ts';

export interface ChatRoutesOptions {
  readonly backend: ChatBackend;
  readonly metrics: Metrics;
  /** Milliseconds for an answer. */
  readonly timeout: number;
  /** Aborted when the service breaks off what is at work. */
  readonly ending: AbortSignal;
  /** Of finished answers; without content. */
  readonly onAnswer: (fields: Readonly<Record<string, string | number | null>>) => void;
  /** Keeps an answer for feedback. */
  readonly keep: (completion: CompletionRecord, source: string) => Promise<void>;
}

const model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
});

const completion = z.looseObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.int(),
      message: z.looseObject({ role: z.literal('assistant'), content: z.string() }),
      finish_reason: z.enum(['stop', 'length']),
    }),
  ),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() }),
});

export function chatRoutes(options: ChatRoutesOptions): readonly Route[] {
  const { backend } = options;
  return [
    route({
      method: 'post',
      path: '/v1/chat/completions',
      access: 'chat',
      documentation: {
        summary: 'The next message of a conversation; with "stream": true as server-sent events.',
        body: chatRequestSchema,
        response: completion,
        streams: true,
        statuses: { 404: 'There is no such model.', 504: 'The answer took too long.' },
      },
      // Its fields are the backend's to check: another server may know more of them.
      body: z.record(z.string(), z.unknown()),
      async handle({ body, client, caller, signal }) {
        // Whose answer it is, is stored beside it.
        refuseZeroBytes({ user: body['user'], safety_identifier: body['safety_identifier'] });
        const life = callLife(signal, options);
        const call: ChatCall = {
          client,
          signal: life.signal,
          leave: life.leave,
          async record(made) {
            const [name = ''] = made.model.split('@');
            options.onAnswer({
              ...{ completion: made.id, model: made.model, key: caller.id },
              prompt_tokens: made.usage?.prompt_tokens ?? null,
              completion_tokens: made.usage?.completion_tokens ?? null,
            });
            if (made.usage) {
              options.metrics.tokens(name, made.usage.prompt_tokens, made.usage.completion_tokens);
            }
            if (made.keep) await options.keep(made, caller.id);
          },
        };
        try {
          const { response, done } = await backend.chat(body, call);
          void done.then(life.end);
          return response;
        } catch (error) {
          life.end();
          throw error;
        }
      },
    }),
    route({
      method: 'get',
      path: '/v1/models',
      access: 'chat',
      documentation: {
        summary: 'Models by name, each with its versions.',
        response: z.object({ object: z.literal('list'), data: z.array(model) }),
      },
      handle: async ({ signal }) => json({ object: 'list', data: await backend.models(signal) }),
    }),
    route({
      method: 'get',
      path: '/v1/models/{model}',
      access: 'chat',
      documentation: {
        summary: 'One model or version.',
        response: model,
        statuses: { 404: 'No such model.' },
      },
      async handle({ params, signal }) {
        const name = params['model'] as string;
        const found = (await backend.models(signal)).find(({ id }) => id === name);
        if (!found) throw modelNotFound(name);
        return json(found);
      },
    }),
  ];
}

/** From a request's arrival to the last token: what can end it before. */
function callLife(client: AbortSignal, { timeout, ending }: ChatRoutesOptions) {
  const controller = new AbortController();
  const abort = (reason: ApiError) => controller.abort(reason);
  const leave = () => abort(new ApiError(499, 'the client has left'));
  const stop = () => abort(new ApiError(503, 'the service has ended', { code: 'shutting_down' }));
  const late = () => {
    const message = `no answer within ${timeout / 1000} s`;
    abort(new ApiError(504, message, { code: 'timeout' }));
  };
  const timer = setTimeout(late, timeout);
  client.addEventListener('abort', leave, { once: true });
  ending.addEventListener('abort', stop, { once: true });
  if (client.aborted) leave();
  return {
    signal: controller.signal,
    leave,
    end() {
      clearTimeout(timer);
      client.removeEventListener('abort', leave);
      ending.removeEventListener('abort', stop);
    },
  };
}
