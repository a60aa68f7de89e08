/**
 * LlamaFactory's alpaca data with `ranking`: {instruction, input?, system?, history?, chosen, rejected}, under
 * these names or those that a dataset_info.json gives. Instruction and input are one user turn, a line break
 * between them. [LlamaFactory, data/README.md; src/llamafactory/data/converter.py]
 */
import { type Fields, InvalidRow, isGiven, kindOf } from '../invalid-row.ts';
import type { Message } from '../row.ts';
import { type Format, has, onePair, optionalText } from './format.ts';

export interface AlpacaColumns {
  readonly prompt: string;
  readonly query?: string;
  readonly system?: string;
  readonly history?: string;
  readonly chosen: string;
  readonly rejected: string;
}

const USUAL: AlpacaColumns = {
  prompt: 'instruction',
  query: 'input',
  system: 'system',
  history: 'history',
  chosen: 'chosen',
  rejected: 'rejected',
};

export const alpaca = alpacaFormat(USUAL);

export function alpacaFormat(columns: AlpacaColumns): Format {
  const { prompt, chosen, rejected } = columns;
  return {
    name: 'alpaca',
    description: '{instruction, input, system, history, chosen, rejected}; LlamaFactory with ranking',
    recognise(fields) {
      if (!has(fields, prompt, chosen, rejected)) return undefined;
      return `"${prompt}" with "${chosen}" and "${rejected}"`;
    },
    read: (fields) =>
      onePair({
        prompt: alpacaPrompt(fields, columns),
        chosen: optionalText(fields, chosen),
        rejected: optionalText(fields, rejected),
      }),
    names: { prompt, chosen, rejected },
  };
}

/** System text, earlier turns and the question. */
export function alpacaPrompt(fields: Fields, columns: Omit<AlpacaColumns, 'chosen' | 'rejected'>): Message[] {
  const system = optionalText(fields, columns.system);
  const question = [columns.prompt, columns.query]
    .map((name) => optionalText(fields, name))
    .filter((text) => text);
  if (question.length === 0) throw new InvalidRow(columns.prompt, 'missing; expected what is asked');
  return [
    ...(system ? [{ role: 'system', content: system }] : []),
    ...earlierTurns(fields, columns.history),
    { role: 'user', content: question.join('\n') },
  ];
}

function earlierTurns(fields: Fields, name: string | undefined): Message[] {
  const history = name === undefined ? null : fields[name];
  if (!isGiven(history)) return [];
  if (!Array.isArray(history))
    throw new InvalidRow(name ?? '', `expected a list of pairs, found ${kindOf(history)}`);
  return history.flatMap((pair: unknown, at) => {
    if (!Array.isArray(pair) || pair.length !== 2 || pair.some((text) => typeof text !== 'string')) {
      throw new InvalidRow(`${name}[${at}]`, 'expected a question and its answer, two texts');
    }
    const [question, answer] = pair as [string, string];
    return [
      { role: 'user', content: question },
      { role: 'assistant', content: answer },
    ];
  });
}
