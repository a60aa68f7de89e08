/**
 * A preference row as token ids, in three segments encoded apart: the model sees prompt + chosen and
 * prompt + rejected. Each response ends with the tokenizer's end-of-sequence token.
 */
export interface EncodedRow {
  readonly prompt: Int32Array;
  readonly chosen: Int32Array;
  readonly rejected: Int32Array;
}
