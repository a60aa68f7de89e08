/** Answers of single versions for the learner: through the backend like anybody's, taking turns with people's. */
import * as z from 'zod';
import type { ChatBackend } from '../chat/backend.ts';

export interface Answered {
  readonly text: string;
  /** Of the completion. */
  readonly tokens: number;
  /** Whether it came to its own end, and was not cut off. */
  readonly ended: boolean;
}

export interface Answering {
  /** Greedily. @throws {ApiError} as the backend does */
  answer(
    model: string,
    messages: readonly unknown[],
    maxTokens: number,
    signal: AbortSignal,
  ): Promise<Answered>;
  /**
   * How much more of its implicit reward a version gives to one answer than to another, in nats, log π / π_base; null
   * where it cannot be told. [DPO: Rafailov et al. 2023, arXiv:2305.18290, equation 5, without β]
   */
  reward(model: string, messages: readonly unknown[], one: string, other: string): Promise<number | null>;
}

const completion = z.object({
  choices: z.tuple([
    z.object({ message: z.object({ content: z.string() }), finish_reason: z.string().nullable() }),
  ]),
  usage: z.object({ completion_tokens: z.int() }),
});

/** @param reward where the engine is at hand */
export function backendAnswering(
  backend: Pick<ChatBackend, 'chat'>,
  reward: Answering['reward'] = async () => null,
): Answering {
  return {
    reward,
    async answer(model, messages, maxTokens, signal) {
      const body = { model, messages, max_tokens: maxTokens, temperature: 0, store: false };
      const call = { client: 'learner', signal, leave() {}, async record() {} };
      const { response } = await backend.chat(body, call);
      const { choices, usage } = completion.parse(await response.json());
      const [{ message, finish_reason: reason }] = choices;
      return { text: message.content, tokens: usage.completion_tokens, ended: reason === 'stop' };
    },
  };
}
