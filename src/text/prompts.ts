/** From checked rows to the prompts an answer is generated to. */
import type { PromptRow } from '../data/row.ts';
import { DataError } from '../support/errors.ts';
import { ChatTemplateError } from './chat-template.ts';
import { encodePrompt, type RowFault, type UnencodableRow, unknownToken } from './segments.ts';
import type { TextModel } from './text-model.ts';

export interface EncodePromptsOptions {
  /** The rows' file, for messages. */
  readonly file: string;
  /** Of the model; a prompt leaves at least one for the answer. */
  readonly maxPositions: number;
  /** `error`: the first row that cannot be encoded throws; `skip`: it is left out and listed. */
  readonly invalidRows: 'error' | 'skip';
}

export interface EncodedPrompts {
  readonly prompts: readonly Int32Array[];
  /** For every prompt its row's position in the list handed in. */
  readonly kept: readonly number[];
  readonly skipped: readonly UnencodableRow[];
}

/** @throws {DataError} for an invalid row under `invalidRows: 'error'`. */
export function encodePrompts(
  rows: readonly PromptRow[],
  model: TextModel,
  { file, maxPositions, invalidRows }: EncodePromptsOptions,
): EncodedPrompts {
  const prompts: Int32Array[] = [];
  const kept: number[] = [];
  const skipped: UnencodableRow[] = [];
  rows.forEach((row, position) => {
    const result = encode(row, model, maxPositions);
    if (result instanceof Int32Array) {
      prompts.push(result);
      kept.push(position);
    } else if (invalidRows === 'skip') skipped.push({ row: row.index + 1, ...result });
    else throw new DataError({ file, row: row.index + 1, field: result.field }, result.problem);
  });
  return { prompts, kept, skipped };
}

function encode({ prompt }: PromptRow, model: TextModel, maxPositions: number): Int32Array | RowFault {
  try {
    const ids = encodePrompt(prompt, model);
    if (ids.length === 0) {
      const problem = 'the chat template makes no text of it, and an answer needs something to follow';
      return { field: 'prompt', problem };
    }
    if (ids.length < maxPositions) return unknownToken({ prompt: ids }, model) ?? ids;
    const problem = `the prompt has ${ids.length} tokens`;
    return {
      field: 'prompt',
      problem: `${problem}; of the model's ${maxPositions} positions none is left for an answer`,
    };
  } catch (error) {
    if (error instanceof ChatTemplateError) return { field: 'prompt', problem: error.message };
    throw error;
  }
}
