/**
 * What was asked and answered, from the input and output of a Langfuse trace or observation. Both are any JSON that an
 * application wrote; known are texts, chat messages (OpenAI's and LangChain's roles), OpenAI's request and answer, and
 * objects with one property that is one of these. In CSV, and where an application wrote text, JSON is within a text.
 */
import { isObject } from '../../../data/invalid-row.ts';
import type { Exchange } from './importer.ts';

/** @param record a trace or observation as the API or the table's export has it */
export function exchangeOf({ input, output, userId }: Readonly<Record<string, unknown>>): Exchange {
  return {
    prompt: promptOf(input),
    answer: answerOf(output),
    person: typeof userId === 'string' && userId !== '' ? userId : null,
  };
}

function promptOf(input: unknown): unknown {
  const value = unpacked(input);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return messagesOf(value) ?? textIn(input);
  if (!isObject(value)) return textIn(input);
  if (Array.isArray(value['messages'])) return messagesOf(value['messages']);
  const inner = onlyValue(value);
  return inner === undefined ? textIn(input) : promptOf(inner);
}

function answerOf(output: unknown): string | null {
  const value = unpacked(output);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const last = messagesOf(value)?.at(-1);
    return last?.['role'] === 'assistant' ? answerOf(last) : textIn(output);
  }
  if (!isObject(value)) return textIn(output);
  if (typeof value['content'] === 'string') return value['content'];
  const [choice] = Array.isArray(value['choices']) ? value['choices'] : [];
  if (isObject(choice)) return answerOf(choice['message']);
  const inner = onlyValue(value);
  return inner === undefined ? textIn(output) : answerOf(inner);
}

/** As they were sent: what a message has beside role and content is left to be refused. */
function messagesOf(list: readonly unknown[]): Record<string, unknown>[] | null {
  if (list.length === 0 || !list.every((one) => isObject(one) && 'role' in one && 'content' in one))
    return null;
  return (list as Record<string, unknown>[]).map((message) => {
    const given = Object.entries(message).filter(([, value]) => value != null);
    const role = ROLES[String(message['role'])] ?? message['role'];
    return { ...Object.fromEntries(given), role };
  });
}

const ROLES: Readonly<Record<string, string>> = { human: 'user', ai: 'assistant' };

/** JSON within a text; any other text as it is. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{"]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** What looks like JSON and is nothing known may be what was said. */
function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function onlyValue(value: Readonly<Record<string, unknown>>): unknown {
  const values = Object.values(value).filter((one) => one != null);
  return values.length === 1 ? values[0] : undefined;
}
