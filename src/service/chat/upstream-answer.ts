/** Reads an upstream's answer as it passes by, whole or streamed, for metrics and for later feedback. */
import * as z from 'zod';
import type { Usage } from './completion.ts';

const usage = z
  .object({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() })
  .nullish()
  .catch(null);

const answer = z.object({
  id: z.string().max(256),
  created: z.number().catch(0),
  model: z.string().catch(''),
  choices: z
    .array(
      z.object({
        index: z.int().min(0).max(1024).catch(0),
        message: z.object({ content: z.string().nullish() }).nullish(),
        delta: z.object({ content: z.string().nullish() }).nullish(),
      }),
    )
    .catch([]),
  usage,
});

export interface ReadAnswer {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly answers: readonly string[];
  readonly usage: Usage | null;
}

/** Longer lines than any chunk of an answer are not kept. */
const LONGEST_LINE = 1 << 20;

/** Collects the parts of one answer. */
export class AnswerReader {
  /** Whether the stream has said that it ends. */
  done = false;
  readonly #decoder = new TextDecoder();
  readonly #texts: string[] = [];
  #head: Omit<ReadAnswer, 'answers' | 'usage'> | null = null;
  #usage: Usage | null = null;
  #rest = '';

  /** Null where nothing of it was an answer. */
  get result(): ReadAnswer | null {
    if (!this.#head) return null;
    return { ...this.#head, answers: Array.from(this.#texts, (text) => text ?? ''), usage: this.#usage };
  }

  /** The next bytes of a stream of events. */
  pushBytes(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split(/\r?\n/);
    this.#rest = (lines.pop() as string).slice(0, LONGEST_LINE);
    for (const line of lines) {
      if (!line.startsWith('data:')) continue;
      const data = line.slice('data:'.length).trim();
      if (data === '[DONE]') this.done = true;
      else this.pushText(data);
    }
  }

  /** A whole answer, or one event's data; what is neither is passed over. */
  pushText(text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    const parsed = answer.safeParse(value);
    if (!parsed.success) return;
    const { id, created, model, choices, usage: counted } = parsed.data;
    this.#head ??= { id, created, model };
    this.#usage = counted ?? this.#usage;
    for (const { index, message, delta } of choices) {
      this.#texts[index] = (this.#texts[index] ?? '') + (message?.content ?? delta?.content ?? '');
    }
  }
}
