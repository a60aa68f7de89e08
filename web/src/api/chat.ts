/** Answers while they are made: `/v1/chat/completions` as server-sent events. */
import { ask, Refusal } from './client.ts';

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatSettings {
  readonly temperature: number;
  readonly maxTokens: number;
  /** Whether the answer is kept, so that feedback can name it. */
  readonly keep: boolean;
}

export interface Answer {
  /** What feedback names it by. */
  readonly id: string;
  /** The version that answered. */
  readonly model: string;
  readonly text: string;
}

interface Chunk {
  readonly id?: string;
  readonly model?: string;
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly error?: { readonly message: string; readonly code: string | null };
}

/** @param onText told of all that there is so far @throws {Refusal} */
export async function chat(
  model: string,
  messages: readonly Turn[],
  { temperature, maxTokens, keep }: ChatSettings,
  onText: (answer: Answer) => void,
  signal?: AbortSignal,
): Promise<Answer> {
  const body = { model, messages, temperature, max_tokens: maxTokens, stream: true, store: keep };
  const response = await ask('/v1/chat/completions', { body, signal });
  let answer: Answer = { id: '', model, text: '' };
  for await (const data of events(response.body as ReadableStream<Uint8Array>)) {
    if (data === '[DONE]') break;
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error) throw new Refusal(500, chunk.error.message, chunk.error.code);
    const text = answer.text + (chunk.choices?.[0]?.delta?.content ?? '');
    answer = { id: chunk.id ?? answer.id, model: chunk.model ?? answer.model, text };
    onText(answer);
  }
  return answer;
}

/** The data of each event; comments and other fields are passed over. */
export async function* events(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split(/\r?\n\r?\n/);
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const lines = part.split(/\r?\n/).filter((line) => line.startsWith('data:'));
        if (lines.length > 0) yield lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
      }
    }
  } finally {
    await reader.cancel();
  }
}
