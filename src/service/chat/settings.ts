/** From a checked request to what the engine is asked: messages for the template, settings of generation. */
import { randomInt } from 'node:crypto';
import type { Message } from '../../data/row.ts';
import type { SamplingSettings } from '../../engine/sampling.ts';
import type { ChatRequest } from './request.ts';

/** Texts of a message's parts follow one another; `developer` is the newer name of `system`. */
export function messagesOf({ messages }: Pick<ChatRequest, 'messages'>): readonly Message[] {
  return messages.map(({ role, content }) => ({
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  }));
}

export interface ChatSettings extends SamplingSettings {
  readonly seed: number;
  readonly samples: number;
  readonly stop: readonly string[];
  /** Null: as many as there is room for. */
  readonly maxNewTokens: number | null;
}

/** OpenAI's defaults: temperature 1, everything may be drawn; without a seed no two requests draw alike. */
export function settingsOf(request: ChatRequest): ChatSettings {
  const { temperature, top_p, top_k, min_p, repetition_penalty, seed, n, stop } = request;
  return {
    // A share of nothing leaves the most probable token.
    temperature: top_p === 0 ? 0 : (temperature ?? 1),
    topP: top_p || 1,
    topK: Math.max(top_k ?? 0, 0),
    minP: min_p ?? 0,
    repetitionPenalty: repetition_penalty ?? 1,
    seed: seedOf(seed),
    samples: n ?? 1,
    stop: stop == null ? [] : [stop].flat(),
    maxNewTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
  };
}

/** Negative seeds, which the engine does not take, stand at the upper end of those it does. */
function seedOf(seed: number | null | undefined): number {
  if (seed == null) return randomInt(2 ** 48 - 1);
  return seed < 0 ? seed + Number.MAX_SAFE_INTEGER + 1 : seed;
}
