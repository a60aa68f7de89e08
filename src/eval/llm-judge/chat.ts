/** What goes to a judging model and what comes back, apart from how it travels. */
import type { TokenUsage } from './judge.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user';
  readonly content: string;
}

/** Everything that decides a reply, and nothing of the endpoint that gives it. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** null: not sent, for models that take none. */
  readonly temperature: number | null;
  readonly maxReplyTokens: number;
  /** Ask the endpoint to force JSON. */
  readonly jsonMode: boolean;
}

export interface ChatReply {
  readonly text: string;
  /** The model's or its filter's refusal, where the endpoint marks it as one. */
  readonly refusal: string | null;
  /** `stop`, `length`, ..., as the endpoint says it. */
  readonly finishReason: string | null;
  /** null where the endpoint does not say. */
  readonly usage: TokenUsage | null;
}

export interface ChatTransport {
  /**
   * One attempt, without retries.
   * @throws {EndpointError} where there is no reply.
   * @throws the signal's reason after an abort.
   */
  complete(request: ChatRequest, signal?: AbortSignal): Promise<ChatReply>;
}

/**
 * At least the prompt's tokens: a token stands for one byte or more, and templates add a few to each
 * message. (A tokenizer that first expands compatibility characters could make more of them.)
 */
export function mostPromptTokens({ messages }: ChatRequest): number {
  return messages.reduce((sum, { content }) => sum + Buffer.byteLength(content) + 16, 16);
}
