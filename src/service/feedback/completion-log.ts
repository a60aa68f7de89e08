/** Answers that may be given feedback: kept for some days, then deleted. */
import type { Transaction } from 'kysely';
import type { CompletionRecord } from '../chat/backend.ts';
import type { Store } from '../store/open.ts';
import type { CompletionsTable, Tables } from '../store/tables.ts';
import type { Redact } from './redact.ts';

export interface CompletionLogOptions {
  readonly store: Store;
  readonly redact: Redact;
  /** 0: none is kept. */
  readonly keptDays: number;
}

export class CompletionLog {
  readonly #options: CompletionLogOptions;

  constructor(options: CompletionLogOptions) {
    this.#options = options;
  }

  /** Resolves when it is on disk. */
  async keep(completion: CompletionRecord, source: string): Promise<void> {
    const { store, redact, keptDays } = this.#options;
    if (keptDays === 0) return;
    const { id, model, person } = completion;
    const messages = await Promise.all(completion.messages.map((message) => redactMessage(message, redact)));
    const answers = await Promise.all(completion.answers.map((answer) => redact(answer)));
    await store.writes.write(insertCompletions, {
      ...{ id, at: Date.now(), model, source, person },
      messages: JSON.stringify(messages),
      answers: JSON.stringify(answers),
    });
  }
}

/** The text of a message, or of its parts; whatever else it has is left as it is. */
export async function redactMessage(message: unknown, redact: Redact): Promise<unknown> {
  if (typeof message !== 'object' || message === null || !('content' in message)) return message;
  const { content } = message;
  if (typeof content === 'string') return { ...message, content: await redact(content) };
  if (!Array.isArray(content)) return message;
  const parts = content.map(async (part: unknown) => {
    const isText =
      typeof part === 'object' && part !== null && 'text' in part && typeof part.text === 'string';
    return isText ? { ...part, text: await redact(part.text as string) } : part;
  });
  return { ...message, content: await Promise.all(parts) };
}

async function insertCompletions(transaction: Transaction<Tables>, rows: readonly CompletionsTable[]) {
  await transaction
    .insertInto('completions')
    .values([...rows])
    // An upstream may give one id twice: the first stays.
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return rows.map(() => undefined);
}
