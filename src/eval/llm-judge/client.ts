/**
 * Asks a judging model: from the cache where the reply is known, else over the transport. One client is one
 * run: its judges share cache, pace and limits.
 */
import { UserError } from '../../support/errors.ts';
import type { ChatMessage, ChatRequest, ChatTransport } from './chat.ts';
import type { Clock } from './clock.ts';
import { type Environment, MODEL_VARIABLE, readEndpoint } from './endpoint.ts';
import { fetchTransport } from './fetch-transport.ts';
import type { TokenUsage } from './judge.ts';
import { ReplyCache, requestKey } from './reply-cache.ts';
import { type Asked, type Control, Sender } from './sender.ts';
import { type LlmJudgeSettings, type LlmJudgeSettingsInput, parseLlmJudgeSettings } from './settings.ts';

export interface JudgeClientOptions {
  readonly settings?: LlmJudgeSettingsInput | undefined;
  /** Takes warnings, a line each; they must reach the user. */
  readonly warn: (message: string) => void;
  /** Where base URL, key and model are read; default: the process's. */
  readonly env?: Environment | undefined;
  /** Default: in the user's cache folder. */
  readonly cacheFolder?: string | undefined;
  /** Instead of HTTP to the endpoint that `env` names. */
  readonly transport?: ChatTransport | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * @throws {UserError} for wrong settings, without base URL or model, or without a place for the cache.
 */
export async function openJudgeClient(options: JudgeClientOptions): Promise<JudgeClient> {
  const settings = parseLlmJudgeSettings(options.settings);
  const env = options.env ?? process.env;
  const transport = options.transport ?? fetchTransport(readEndpoint(env), settings);
  const model = settings.model ?? env[MODEL_VARIABLE]?.trim();
  if (!model)
    throw new UserError(`no model to judge with: set ${MODEL_VARIABLE}, or "model" in the settings`);
  const cache = await ReplyCache.open({ warn: options.warn, folder: options.cacheFolder });
  const sender = new Sender({ ...options, settings, transport });
  return new JudgeClient(model, settings, sender, cache);
}

export class JudgeClient {
  readonly model: string;
  readonly settings: LlmJudgeSettings;
  readonly #sender: Sender;
  readonly #cache: ReplyCache;
  readonly #underWay = new Map<string, Promise<Asked>>();

  /** Use `openJudgeClient`. */
  constructor(model: string, settings: LlmJudgeSettings, sender: Sender, cache: ReplyCache) {
    this.model = model;
    this.settings = settings;
    this.#sender = sender;
    this.#cache = cache;
  }

  /** Of all judges of this client so far, as its limits count. */
  get spent(): { readonly requests: number; readonly tokens: TokenUsage; readonly cost: number | null } {
    const tokens = this.#sender.budget.spent;
    return { requests: this.#sender.budget.requests, tokens, cost: this.costOf(tokens) };
  }

  /** In the currency of the settings' prices; null without prices. */
  costOf(tokens: TokenUsage): number | null {
    return this.#sender.budget.costOf(tokens);
  }

  /**
   * The reply to a conversation. Equal questions at the same time are asked once.
   * @throws {EndpointError | JudgeLimitReached} where there is none; the reasons of the signals.
   */
  async ask(messages: readonly ChatMessage[], control: Control): Promise<Asked> {
    const { temperature, max_reply_tokens, json_mode } = this.settings;
    const sampling = { temperature, maxReplyTokens: max_reply_tokens, jsonMode: json_mode };
    const request: ChatRequest = { model: this.model, messages, ...sampling };
    const key = requestKey(request);
    for (;;) {
      control.stop.throwIfAborted();
      const shared = this.#underWay.get(key);
      if (shared === undefined) break;
      const asked = await shared.catch(() => undefined);
      // Where another's attempt came to nothing, its end was perhaps not ours.
      if (asked) return { ...asked, requests: 0 };
    }
    const asking = this.#find(key, request, control).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asking);
    return asking;
  }

  async #find(key: string, request: ChatRequest, control: Control): Promise<Asked> {
    const known = await this.#cache.get(key);
    if (known) return { reply: known, requests: 0 };
    const asked = await this.#sender.send(request, control);
    if (asked.rejection === undefined) await this.#cache.put(key, asked.reply);
    return asked;
  }
}
