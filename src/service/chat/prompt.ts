/** From a checked request to the prompt's tokens and the room for its answers. */
import { splitStops } from '../../eval/generate-text.ts';
import type { Adapter } from '../../model/adapter.ts';
import { softTokenCount } from '../../model/prompt-pool.ts';
import { ChatTemplateError } from '../../text/chat-template.ts';
import { encodePrompt, unknownToken } from '../../text/segments.ts';
import type { BaseModel } from '../../train/base-model.ts';
import { type ApiError, asApiError, invalid } from '../api-error.ts';
import type { ChatRequest } from './request.ts';
import { type ChatSettings, messagesOf, settingsOf } from './settings.ts';

export interface ChatLimits {
  /** The most tokens of an answer, and what a request gets that does not say. */
  readonly maxTokens: number;
  /** The most tokens of prompt and answer; null: the model's positions. */
  readonly contextLength: number | null;
  /** Whether messages may spell out special tokens, with which a text can pose as another turn. */
  readonly allowSpecialTokens: boolean;
}

export interface ChatPrompt {
  readonly tokens: Int32Array;
  readonly settings: ChatSettings;
  readonly maxNewTokens: number;
  /** Soft prompts that the adapter puts in front. */
  readonly softTokens: number;
}

interface PromptOptions extends ChatLimits {
  readonly base: Pick<BaseModel, 'model' | 'text'>;
  readonly adapter: Adapter | null;
}

/** Few texts have more characters a token: what has is refused before the tokenizer works on it for long. */
const MOST_CHARACTERS = 32;

/** @throws {ApiError} for messages or settings that cannot be answered */
export function promptOf(request: ChatRequest, options: PromptOptions): ChatPrompt {
  const { base, adapter, maxTokens, contextLength } = options;
  const settings = settingsOf(request);
  const softTokens = softTokenCount(adapter);
  const positions = base.model.config.maxPositions - softTokens;
  const context = Math.min(positions, contextLength ?? positions);
  const tokens = encode(request, context, options);
  try {
    splitStops(settings.stop, base.text.tokenizer);
  } catch (error) {
    throw asApiError(error);
  }
  const room = context - tokens.length;
  const wanted = settings.maxNewTokens ?? Math.min(room, maxTokens);
  if (wanted > maxTokens) {
    throw invalid(`${wanted} tokens of an answer are more than this server's ${maxTokens}`, 'max_tokens');
  }
  if (room < 1 || wanted > room) {
    const asked = `the messages have ${tokens.length} tokens and the answer may have ${Math.max(1, wanted)}`;
    throw tooLong(`${asked}; together at most ${context}`);
  }
  return { tokens, settings, maxNewTokens: wanted, softTokens };
}

function encode(request: ChatRequest, context: number, options: PromptOptions): Int32Array {
  const { text } = options.base;
  const messages = messagesOf(request);
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (characters > MOST_CHARACTERS * context) {
    throw tooLong(`the messages have ${characters} characters, too many for ${context} tokens`);
  }
  if (!options.allowSpecialTokens) {
    messages.forEach(({ content }, at) => {
      const special = text.tokenizer.encode(content).find((id) => text.tokenizer.isSpecial(id));
      if (special === undefined) return;
      const token = JSON.stringify(text.tokenizer.decode([special]));
      const problem = `it contains ${token}, a special token of the model, with which a text can pose as a turn`;
      throw invalid(problem, `messages[${at}].content`);
    });
  }
  try {
    const tokens = encodePrompt(messages, text);
    const fault = unknownToken({ messages: tokens }, text);
    if (fault) throw invalid(fault.problem, 'messages');
    if (tokens.length === 0) throw invalid('the chat template makes no text of the messages', 'messages');
    return tokens;
  } catch (error) {
    if (error instanceof ChatTemplateError) throw invalid(error.message, 'messages');
    throw error;
  }
}

function tooLong(message: string): ApiError {
  return invalid(message, 'messages', 'context_length_exceeded');
}
