/** Chat completions by the embedded engine: request → prompt → scheduler → text → OpenAI's shapes. */
import { randomBytes } from 'node:crypto';
import { generateText } from '../../eval/generate-text.ts';
import type { BaseModel } from '../../train/base-model.ts';
import { ApiError, asApiError } from '../api-error.ts';
import { parse } from '../http/parse.ts';
import { cacheBytes } from '../models/cache-memory.ts';
import type { ModelRegistry, ServedVersion } from '../models/registry.ts';
import { Scheduler } from '../models/scheduler.ts';
import type { ChatBackend, ChatCall, ChatReply, CompletionRecord } from './backend.ts';
import { type Choice, type CompletionHead, chunks, completion, type Usage, usageOf } from './completion.ts';
import { EVENT_STREAM_HEADERS, eventStream } from './event-stream.ts';
import { type ChatLimits, type ChatPrompt, promptOf } from './prompt.ts';
import { type ChatRequest, chatRequestSchema } from './request.ts';
import { messagesOf } from './settings.ts';

export interface LocalBackendOptions extends ChatLimits {
  readonly base: Pick<BaseModel, 'model' | 'text' | 'engine' | 'endTokens'>;
  readonly registry: ModelRegistry;
  /** Answers at a time. */
  readonly batchSize: number;
  /** Requests that may wait. */
  readonly queue: number;
  /** Bytes for keys and values. */
  readonly cacheMemory: number;
  /** Called when the backend is closed, before the engine is. */
  readonly onClose?: () => Promise<void>;
  /** Told how each request for a name alone ended: what is refused, or given up by its client, is neither. */
  readonly onServed?: (version: ServedVersion, outcome: 'answered' | 'failed') => void;
  /** Takes what nobody asked for and somebody should know. */
  readonly onError: (error: unknown) => void;
}

/** A request that can be answered. */
interface Asked {
  readonly request: ChatRequest;
  readonly prompt: ChatPrompt;
  readonly version: ServedVersion;
  readonly head: CompletionHead;
  readonly call: ChatCall;
}

/** The result of the engine's work for one request. */
interface Made {
  readonly choices: readonly Choice[];
  readonly completionTokens: number;
}

export class LocalBackend implements ChatBackend {
  readonly #options: LocalBackendOptions;
  readonly #scheduler: Scheduler;

  constructor(options: LocalBackendOptions) {
    this.#options = options;
    const { base, batchSize, queue, cacheMemory } = options;
    this.#scheduler = new Scheduler({
      slots: batchSize,
      queue,
      memory: cacheMemory,
      bytesOf: (extent) => cacheBytes(extent, base.model.config),
      open: async (version) => base.engine.openGeneration(await version.adapter(), { batchSize }),
    });
  }

  async models() {
    return this.#options.registry.list().map(({ id, served }) => ({
      id,
      object: 'model' as const,
      created: served.created,
      owned_by: 'lifealign',
    }));
  }

  async chat(body: Readonly<Record<string, unknown>>, call: ChatCall): Promise<ChatReply> {
    const request = parse(chatRequestSchema, body);
    const version = this.#options.registry.resolve(request.model, requesterOf(request));
    if (!version) throw modelNotFound(request.model);
    const head = {
      id: `chatcmpl-${randomBytes(16).toString('hex')}`,
      created: Math.floor(Date.now() / 1000),
      model: version.id,
    };
    const adapter = await version.adapter();
    const prompt = promptOf(request, { ...this.#options, adapter });
    const asked = { request, prompt, version, head, call };
    return request.stream ? this.#stream(asked) : this.#whole(asked);
  }

  load() {
    const { running, waiting } = this.#scheduler;
    return { running, waiting };
  }

  drain(): Promise<void> {
    return this.#scheduler.drain();
  }

  async close(): Promise<void> {
    await this.#options.onClose?.();
    await this.#options.base.engine.close();
  }

  async #whole(asked: Asked): Promise<ChatReply> {
    const made = await this.#make(asked, () => {});
    const { head, prompt, call } = asked;
    const usage = usageOf(prompt.tokens.length, made.completionTokens);
    await call.record(recordOf(asked, made, usage));
    return { response: Response.json(completion(head, made.choices, usage)), done: Promise.resolve() };
  }

  async #stream(asked: Asked): Promise<ChatReply> {
    const { request, head, prompt, call } = asked;
    const withUsage = request.stream_options?.include_usage === true;
    const shape = chunks(head, withUsage);
    // Set as soon as the stream is made: before the scheduler has begun with anything.
    let push = (_: object): void => {};
    const onText = (choice: number, text: string) => push(shape.text(choice, text));
    // Refused at once, with a status, where the request cannot even wait.
    const making = this.#make(asked, onText);
    const write = async (sink: { push(data: object): void }) => {
      push = (data) => sink.push(data);
      for (let choice = 0; choice < prompt.settings.samples; choice++) push(shape.first(choice));
      const made = await making;
      const usage = usageOf(prompt.tokens.length, made.completionTokens);
      await call.record(recordOf(asked, made, usage));
      for (const [choice, { finishReason }] of made.choices.entries()) push(shape.last(choice, finishReason));
      if (withUsage) push(shape.usage(usage));
    };
    const describe = (error: unknown) => {
      const told = asApiError(error);
      if (told.status === 500) this.#options.onError(error);
      return told.body;
    };
    const body = eventStream(write, { onCancel: call.leave, describe });
    const done = making.then(
      () => {},
      () => {},
    );
    return { response: new Response(body, { headers: EVENT_STREAM_HEADERS }), done };
  }

  /** Not async: what the scheduler refuses is thrown before anything is sent. */
  #make(asked: Asked, onText: (choice: number, text: string) => void): Promise<Made> {
    const making = this.#run(asked, onText);
    const { request, version } = asked;
    if (request.model !== version.name) return making;
    const told = this.#options.onServed ?? (() => {});
    making.then(
      () => told(version, 'answered'),
      (error: unknown) => {
        if (isFault(error)) told(version, 'failed');
      },
    );
    return making;
  }

  #run(
    { prompt, version, call: { client, signal } }: Asked,
    onText: (choice: number, text: string) => void,
  ): Promise<Made> {
    const { base } = this.#options;
    const { tokens, settings, maxNewTokens } = prompt;
    return this.#scheduler.run({
      version,
      client,
      answers: settings.samples,
      positions: tokens.length + prompt.softTokens + maxNewTokens,
      signal,
      work: async (generation) => {
        const engine = {
          generate: (
            prompts: readonly Int32Array[],
            _: unknown,
            options: Parameters<typeof generation.generate>[1],
          ) => generation.generate(prompts, options),
        };
        const generated = await generateText(engine, base.text.tokenizer, [tokens], null, {
          ...settings,
          maxNewTokens,
          endTokens: base.endTokens,
          signal,
          onText,
        });
        const choices = generated.map(({ text, finishReason }) => ({ text, finishReason }));
        return { choices, completionTokens: generated.reduce((sum, one) => sum + one.tokens, 0) };
      },
    });
  }
}

/** Defects, and answers that took too long. */
function isFault(error: unknown): boolean {
  const { status } = asApiError(error);
  return status === 500 || status === 504;
}

/** Whose request it is: the person's, or of the conversation, which begins the same however long it grows. */
function requesterOf(request: ChatRequest): string {
  const person = request.safety_identifier ?? request.user;
  if (person != null) return `person ${person}`;
  const messages = messagesOf(request);
  const first = messages.findIndex(({ role }) => role === 'user');
  return `conversation ${JSON.stringify(messages.slice(0, first + 1))}`;
}

export function modelNotFound(model: string): ApiError {
  const message = `there is no model ${JSON.stringify(model.slice(0, 200))} here; GET /v1/models lists them`;
  return new ApiError(404, message, { param: 'model', code: 'model_not_found' });
}

function recordOf({ request, head }: Asked, made: Made, usage: Usage): CompletionRecord {
  return {
    ...head,
    messages: request.messages,
    answers: made.choices.map(({ text }) => text),
    usage,
    person: request.safety_identifier ?? request.user ?? null,
    keep: request.store !== false,
  };
}
