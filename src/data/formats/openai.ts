/**
 * OpenAI's files for preference fine-tuning: {input: {messages}, preferred_output: [message],
 * non_preferred_output: [message]}. Tools would change what the model sees and are refused.
 * [OpenAI documentation, "Direct preference optimization"]
 */
import { InvalidRow, isObject } from '../invalid-row.ts';
import { type Format, has, listField, objectField, onePair } from './format.ts';

export const openai: Format = {
  name: 'openai',
  description: '{input: {messages}, preferred_output, non_preferred_output}; OpenAI preference fine-tuning',
  recognise(fields) {
    if (!has(fields, 'preferred_output', 'non_preferred_output') || !isObject(fields['input']))
      return undefined;
    return '"input" with "preferred_output" and "non_preferred_output"';
  },
  read(fields) {
    const input = objectField(fields, 'input');
    if (Array.isArray(input['tools']) && input['tools'].length > 0) {
      throw new InvalidRow('input.tools', 'tools are not supported');
    }
    if (!Array.isArray(input['messages']))
      throw new InvalidRow('input.messages', 'expected a list of messages');
    const answer = (name: string) => {
      const messages = listField(fields, name);
      if (messages.length === 1) return messages;
      throw new InvalidRow(name, `expected one message of the assistant, found ${messages.length}`);
    };
    return onePair({
      prompt: input['messages'],
      chosen: answer('preferred_output'),
      rejected: answer('non_preferred_output'),
    });
  },
  names: { prompt: 'input.messages', chosen: 'preferred_output', rejected: 'non_preferred_output' },
};
