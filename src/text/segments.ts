/**
 * From checked rows to token ids: the segments every engine sees. Prompt and response are encoded apart,
 * so that a pair shares exactly the same prompt tokens and a response's tokens never depend on how the
 * prompt ends. The template closes nothing: the response ends with the end-of-sequence token.
 */
import type { Message, PreferenceRow } from '../data/row.ts';
import { DataError } from '../support/errors.ts';
import { ChatTemplateError } from './chat-template.ts';
import type { EncodedRow } from './encoded-row.ts';
import type { TextModel } from './text-model.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Everything up to where the answer begins. @throws {ChatTemplateError} if the template refuses it. */
export function encodePrompt(messages: readonly Message[], { tokenizer, template }: TextModel): Int32Array {
  return tokenizer.encode(template.render(messages, { addGenerationPrompt: true }));
}

/** The response's text, untrimmed, and the end-of-sequence token. */
export function encodeResponse(text: string, tokenizer: Tokenizer): Int32Array {
  const ids = tokenizer.encode(text);
  const closed = new Int32Array(ids.length + 1);
  closed.set(ids);
  closed[ids.length] = tokenizer.eosTokenId;
  return closed;
}

export interface EncodeRowsOptions {
  /** The rows' file, for messages. */
  readonly file: string;
  /** The most tokens of prompt + longer response. */
  readonly maxLength: number;
  /** `error`: the first row that cannot be encoded throws; `skip`: it is left out and listed. */
  readonly invalidRows: 'error' | 'skip';
  /** Stop after so many encoded rows; what comes later is not looked at. Null or left out: all. */
  readonly limit?: number | null;
}

export interface UnencodableRow {
  /** Counted from 1, as messages do. */
  readonly row: number;
  readonly field: string;
  readonly problem: string;
}

export interface EncodedRows {
  readonly encoded: readonly EncodedRow[];
  /** For every encoded row its position in the list handed in. */
  readonly kept: readonly number[];
  /** How many prompts lost tokens on the left to fit `maxLength`. */
  readonly cutPrompts: number;
  readonly skipped: readonly UnencodableRow[];
}

/**
 * Encodes preference rows. A row whose prompt + longer response exceed `maxLength` tokens loses the
 * beginning of its prompt; where not even one prompt token would remain the row is invalid.
 * @throws {DataError} for an invalid row under `invalidRows: 'error'`.
 */
export function encodeRows(
  rows: readonly PreferenceRow[],
  model: TextModel,
  options: EncodeRowsOptions,
): EncodedRows {
  const encoded: EncodedRow[] = [];
  const kept: number[] = [];
  const skipped: UnencodableRow[] = [];
  let cutPrompts = 0;
  const limit = options.limit ?? rows.length;
  for (const [position, row] of rows.entries()) {
    if (encoded.length === limit) break;
    const result = encodeRow(row, model, options.maxLength);
    if ('problem' in result) {
      if (options.invalidRows === 'error') {
        throw new DataError({ file: options.file, row: row.index + 1, field: result.field }, result.problem);
      }
      skipped.push({ row: row.index + 1, ...result });
      continue;
    }
    if (result.cut) cutPrompts++;
    encoded.push(result.row);
    kept.push(position);
  }
  return { encoded, kept, cutPrompts, skipped };
}

export interface RowFault {
  readonly field: string;
  readonly problem: string;
}

type RowResult = { readonly row: EncodedRow; readonly cut: boolean } | RowFault;

function encodeRow(row: PreferenceRow, model: TextModel, maxLength: number): RowResult {
  const chosen = encodeResponse(row.chosen, model.tokenizer);
  const rejected = encodeResponse(row.rejected, model.tokenizer);
  const longer = Math.max(chosen.length, rejected.length);
  const room = maxLength - longer;
  if (room < 1) {
    const field = chosen.length === longer ? 'chosen' : 'rejected';
    const problem = `the response has ${longer} tokens; at most ${maxLength - 1} leave room for the prompt`;
    return { field, problem: `${problem} within max_length ${maxLength}` };
  }
  try {
    const prompt = encodePrompt(row.prompt, model);
    const cut = prompt.length > room;
    // slice, not subarray: a view would keep the whole prompt in memory.
    const encoded = { prompt: cut ? prompt.slice(-room) : prompt, chosen, rejected };
    return unknownToken({ ...encoded }, model) ?? { row: encoded, cut };
  } catch (error) {
    if (error instanceof ChatTemplateError) return { field: 'prompt', problem: error.message };
    throw error;
  }
}

/** A tokenizer may have tokens that the base was never given: added ones, or another model's. */
export function unknownToken(
  fields: Readonly<Record<string, Int32Array>>,
  { tokenizer, vocabularySize }: TextModel,
): RowFault | undefined {
  if (vocabularySize === undefined) return undefined;
  for (const [field, ids] of Object.entries(fields)) {
    const id = ids.find((candidate) => candidate >= vocabularySize);
    if (id === undefined) continue;
    const token = JSON.stringify(tokenizer.decode([id]));
    const problem = `the token ${token} has the id ${id}, beyond the model's vocabulary of ${vocabularySize}`;
    return { field, problem: `${problem}: the tokenizer has tokens that the model lacks` };
  }
  return undefined;
}
