/**
 * LlamaFactory's sharegpt data with `ranking`: {conversations: [{from, value}], chosen: {from, value}, rejected},
 * under these names and tags or those that a dataset_info.json gives.
 * [LlamaFactory, data/README.md; src/llamafactory/data/converter.py]
 */
import { type Fields, InvalidRow, isObject, kindOf, shown } from '../invalid-row.ts';
import type { Message } from '../row.ts';
import { type Format, listField, objectField, onePair, optionalText } from './format.ts';

export interface ShareGptColumns {
  readonly messages: string;
  readonly chosen: string;
  readonly rejected: string;
  readonly system?: string;
}

/** What a message's parts and its speakers are called. */
export interface ShareGptTags {
  readonly role_tag: string;
  readonly content_tag: string;
  readonly user_tag: string;
  readonly assistant_tag: string;
  readonly system_tag: string;
  readonly observation_tag: string;
  readonly function_tag: string;
}

export const usualTags: ShareGptTags = {
  role_tag: 'from',
  content_tag: 'value',
  user_tag: 'human',
  assistant_tag: 'gpt',
  system_tag: 'system',
  observation_tag: 'observation',
  function_tag: 'function_call',
};

const usualColumns = { messages: 'conversations', chosen: 'chosen', rejected: 'rejected', system: 'system' };

export const sharegpt = sharegptFormat(usualColumns, usualTags);

export function sharegptFormat(columns: ShareGptColumns, tags: ShareGptTags): Format {
  const { messages, chosen, rejected } = columns;
  return {
    name: 'sharegpt',
    description:
      '{conversations: [{from, value}], chosen: {from, value}, rejected}; LlamaFactory with ranking',
    recognise(fields) {
      const first = Array.isArray(fields[messages]) ? (fields[messages] as unknown[])[0] : undefined;
      const isMessage = (value: unknown) =>
        isObject(value) && tags.role_tag in value && tags.content_tag in value;
      if (![first, fields[chosen], fields[rejected]].every(isMessage)) return undefined;
      return `"${messages}" of {${tags.role_tag}, ${tags.content_tag}} with "${chosen}" and "${rejected}"`;
    },
    read(fields) {
      const system = optionalText(fields, columns.system);
      const turns = listField(fields, messages).map((turn, at) => message(turn, `${messages}[${at}]`, tags));
      const prompt = system ? [{ role: 'system', content: system }, ...turns] : turns;
      const answer = (name: string) => [message(objectField(fields, name), name, tags)];
      return onePair({ prompt, chosen: answer(chosen), rejected: answer(rejected) });
    },
    names: { prompt: messages, chosen, rejected },
  };
}

function message(value: unknown, field: string, tags: ShareGptTags): Message {
  const { role_tag, content_tag } = tags;
  if (!isObject(value)) {
    throw new InvalidRow(field, `expected a message {${role_tag}, ${content_tag}}, found ${kindOf(value)}`);
  }
  const role = roleOf(value, field, tags);
  const content = value[content_tag];
  if (typeof content === 'string') return { role, content };
  throw new InvalidRow(`${field}.${content_tag}`, `expected a text, found ${kindOf(content)}`);
}

function roleOf(value: Fields, field: string, tags: ShareGptTags): string {
  const speaker = value[tags.role_tag];
  if (speaker === tags.user_tag) return 'user';
  if (speaker === tags.assistant_tag) return 'assistant';
  if (speaker === tags.system_tag) return 'system';
  if (speaker === tags.observation_tag) return 'tool';
  const calls =
    speaker === tags.function_tag
      ? 'calls of functions are not supported'
      : `unknown speaker ${shown(speaker)}`;
  throw new InvalidRow(
    `${field}.${tags.role_tag}`,
    `${calls}; expected ${tags.user_tag}, ${tags.assistant_tag} or ${tags.system_tag}`,
  );
}
