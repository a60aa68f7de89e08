/** OpenAI's shapes of an answer: one object, or the chunks of a stream. */

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export type FinishReason = 'stop' | 'length';

/** What all parts of one answer have in common. */
export interface CompletionHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

export interface Choice {
  readonly text: string;
  readonly finishReason: FinishReason;
}

export function usageOf(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

export function completion(head: CompletionHead, choices: readonly Choice[], usage: Usage) {
  return {
    ...head,
    object: 'chat.completion',
    choices: choices.map(({ text, finishReason }, index) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage,
  };
}

/** @param usageWanted every chunk but the last then says `usage: null` */
export function chunks(head: CompletionHead, usageWanted: boolean) {
  const shared = { ...head, object: 'chat.completion.chunk' };
  const usage = usageWanted ? { usage: null } : {};
  const chunk = (index: number, delta: object, finishReason: FinishReason | null) => ({
    ...shared,
    choices: [{ index, delta, logprobs: null, finish_reason: finishReason }],
    ...usage,
  });
  return {
    first: (index: number) => chunk(index, { role: 'assistant', content: '', refusal: null }, null),
    text: (index: number, content: string) => chunk(index, { content }, null),
    last: (index: number, finishReason: FinishReason) => chunk(index, {}, finishReason),
    usage: (counted: Usage) => ({ ...shared, choices: [], usage: counted }),
  };
}
