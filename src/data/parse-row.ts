/**
 * From a raw record to a checked row. Each function returns the row or the first thing wrong with it:
 * whether an invalid row is an error or left out is the caller's choice.
 *
 * Accepted, after the data sets in circulation:
 *   {query | prompt: text, chosen: text, rejected: text}
 *   {prompt: messages, chosen: text | messages, rejected: text | messages}
 *   {chosen: messages, rejected: messages}      the prompt is what stands before the last message
 * Other fields of a row are ignored, for data sets carry scores and sources; other fields of a message
 * are not, for they (tool calls, names) would change what the model sees.
 */
import {
  caught,
  type Fields,
  InvalidRow,
  isGiven,
  isObject,
  kindOf,
  type RowProblem,
  shown,
} from './invalid-row.ts';
import type { ConversationRow, Message, PreferenceRow, PromptRow } from './row.ts';

export type PromptKind = 'text' | 'messages' | 'implicit';

export interface Parsed<Row> {
  readonly row: Row;
  readonly promptKind: PromptKind;
}

const ROLES = ['system', 'user', 'assistant', 'tool'];
const MESSAGE_KEYS = new Set(['role', 'content']);

/** A row of which only the prompt is needed. `index` counts from 0. */
export function parsePromptRow(value: unknown, index: number): Parsed<PromptRow> | RowProblem {
  return caught(() => {
    const { prompt, promptKind } = promptOf(record(value));
    return { row: { index, prompt }, promptKind };
  });
}

/** A row with one response, {query | prompt, response}: what a policy is asked and might answer. */
export function parseConversationRow(value: unknown, index: number): Parsed<ConversationRow> | RowProblem {
  return caught(() => {
    const fields = record(value);
    const { prompt, promptKind } = promptOf(fields);
    return { row: { index, prompt, response: response(fields['response'], 'response', prompt) }, promptKind };
  });
}

/** A row with both responses. `index` counts from 0. */
export function parsePreferenceRow(value: unknown, index: number): Parsed<PreferenceRow> | RowProblem {
  return caught(() => {
    const fields = record(value);
    const { prompt, promptKind } = promptOf(fields);
    const chosen = response(fields['chosen'], 'chosen', prompt);
    const rejected = response(fields['rejected'], 'rejected', prompt);
    if (chosen === rejected)
      throw new InvalidRow('rejected', 'equal to "chosen"; expected two different responses');
    return { row: { index, prompt, chosen, rejected }, promptKind };
  });
}

function record(value: unknown): Fields {
  if (isObject(value)) return value;
  throw new InvalidRow('', `expected a row {query or prompt, chosen, rejected}, found ${kindOf(value)}`);
}

function promptOf(fields: Fields): { prompt: readonly Message[]; promptKind: PromptKind } {
  const given = ['prompt', 'query'].filter((name) => isGiven(fields[name]));
  if (given.length === 2) throw new InvalidRow('query', 'given beside "prompt"; expected one of the two');
  const name = given[0];
  if (name === undefined) return { prompt: implicitPrompt(fields), promptKind: 'implicit' };
  const value = fields[name];
  if (typeof value === 'string') {
    if (value.trim() === '') throw new InvalidRow(name, 'empty; expected what is asked');
    return { prompt: [{ role: 'user', content: wellFormed(value, name) }], promptKind: 'text' };
  }
  if (!Array.isArray(value)) {
    throw new InvalidRow(
      name,
      `expected a text or a list of messages {role, content}, found ${kindOf(value)}`,
    );
  }
  return { prompt: checkPrompt(messages(value, name), name), promptKind: 'messages' };
}

/** The messages both conversations share before the assistant's last one. */
function implicitPrompt(fields: Fields): readonly Message[] {
  const { chosen, rejected } = fields;
  if (!Array.isArray(chosen) || !Array.isArray(rejected) || chosen.length < 2) {
    throw new InvalidRow('prompt', 'missing; expected "prompt" or "query": a text or a list of messages');
  }
  const prompt = messages(chosen, 'chosen').slice(0, -1);
  if (!sameMessages(messages(rejected, 'rejected').slice(0, -1), prompt)) {
    throw new InvalidRow(
      'rejected',
      'differs from "chosen" before the last message; expected one shared prompt',
    );
  }
  return checkPrompt(prompt, 'chosen');
}

/** The model answers next: the last word must be the user's (or a tool's), and say something. */
function checkPrompt(prompt: readonly Message[], field: string): readonly Message[] {
  const last = prompt.at(-1);
  if (last === undefined) throw new InvalidRow(field, 'no messages; expected at least one user message');
  if (last.role !== 'user' && last.role !== 'tool') {
    throw new InvalidRow(field, `the prompt ends with the role "${last.role}"; expected "user" or "tool"`);
  }
  if (last.content.trim() === '') throw new InvalidRow(field, "the prompt's last message is empty");
  return prompt;
}

/** A text, the assistant's message alone, or the whole conversation ending with it. */
function response(value: unknown, field: string, prompt: readonly Message[]): string {
  if (!isGiven(value)) throw new InvalidRow(field, "missing; expected the response's text");
  const text = typeof value === 'string' ? value : lastMessage(value, field, prompt);
  if (text.trim() === '') throw new InvalidRow(field, 'empty; expected a response');
  return wellFormed(text, field);
}

function lastMessage(value: unknown, field: string, prompt: readonly Message[]): string {
  if (!Array.isArray(value)) {
    throw new InvalidRow(
      field,
      `expected a text or a list of messages {role, content}, found ${kindOf(value)}`,
    );
  }
  const conversation = messages(value, field);
  const last = conversation.at(-1);
  if (last?.role !== 'assistant') {
    throw new InvalidRow(
      field,
      `the last message is ${last ? `of role "${last.role}"` : 'missing'}; expected "assistant"`,
    );
  }
  const before = conversation.slice(0, -1);
  if (before.length > 0 && !sameMessages(before, prompt)) {
    throw new InvalidRow(field, 'its messages before the last differ from the prompt');
  }
  return last.content;
}

function messages(values: readonly unknown[], field: string): Message[] {
  return values.map((value, index) => {
    const at = `${field}[${index}]`;
    if (!isObject(value))
      throw new InvalidRow(at, `expected a message {role, content}, found ${kindOf(value)}`);
    const { role, content } = value;
    if (typeof role !== 'string' || !ROLES.includes(role)) {
      throw new InvalidRow(`${at}.role`, `expected one of ${ROLES.join(', ')}, found ${shown(role)}`);
    }
    if (typeof content !== 'string') {
      throw new InvalidRow(`${at}.content`, `expected a text, found ${kindOf(content)}`);
    }
    const extra = Object.keys(value).find((key) => !MESSAGE_KEYS.has(key) && isGiven(value[key]));
    if (extra !== undefined)
      throw new InvalidRow(`${at}.${extra}`, 'not supported; a message is {role, content}');
    return { role, content: wellFormed(content, `${at}.content`) };
  });
}

/** JSON can escape half a surrogate pair; no tokenizer has an id for it. */
function wellFormed(text: string, field: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new InvalidRow(field, 'broken Unicode: half of a surrogate pair');
  return text;
}

function sameMessages(a: readonly Message[], b: readonly Message[]): boolean {
  if (a.length !== b.length) return false;
  return a.every(
    (message, index) => message.role === b[index]?.role && message.content === b[index]?.content,
  );
}
