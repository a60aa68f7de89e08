/** Texts of people and models: line breaks stay, and nothing in them is markup. */

interface WordsProps {
  readonly text: string;
}

export function Words({ text }: WordsProps) {
  return (
    <div class="words" dir="auto">
      {text === '' ? <i class="none">(empty)</i> : text}
    </div>
  );
}

interface ConversationProps {
  readonly messages: readonly unknown[];
}

/** Messages as chat requests have them, whatever else may stand there. */
export function Conversation({ messages }: ConversationProps) {
  return (
    <ol class="conversation">
      {messages.map((message, at) => {
        const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
        return (
          <li key={at} class={role === 'assistant' ? 'answer' : 'asked'}>
            <span class="who">{String(role ?? 'message')}</span>
            <Words text={textOf(content)} />
          </li>
        );
      })}
    </ol>
  );
}

export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return JSON.stringify(content) ?? '';
  return content.map((part: { text?: unknown }) => String(part?.text ?? '')).join('');
}
