/**
 * What a GGUF file is made of: the types of its metadata values and of its tensors, and the record
 * its reader gives to the conversion. [Format: ggml's docs/gguf.md, versions 2 and 3]
 */

/** A metadata value; 64-bit integers are numbers where a number holds them exactly. */
export type GgufScalar = number | bigint | boolean | string;
export type GgufValue = GgufScalar | readonly GgufScalar[];

export interface GgufTensor {
  readonly name: string;
  readonly type: GgufTensorType;
  /** Outermost dimension first, as Hugging Face writes shapes (GGUF stores them the other way round). */
  readonly shape: readonly number[];
  /** Of the first byte, counted from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface GgufFile {
  readonly path: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of the file's header. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** A row of a quantised tensor is a whole number of blocks, each of `bytes` bytes for `elements` numbers. */
export interface BlockFormat {
  readonly elements: number;
  readonly bytes: number;
}

export const BLOCK_FORMATS = {
  F32: { elements: 1, bytes: 4 },
  F16: { elements: 1, bytes: 2 },
  BF16: { elements: 1, bytes: 2 },
  Q4_0: { elements: 32, bytes: 18 },
  Q4_1: { elements: 32, bytes: 20 },
  Q5_0: { elements: 32, bytes: 22 },
  Q5_1: { elements: 32, bytes: 24 },
  Q8_0: { elements: 32, bytes: 34 },
  Q4_K: { elements: 256, bytes: 144 },
  Q5_K: { elements: 256, bytes: 176 },
  Q6_K: { elements: 256, bytes: 210 },
} as const satisfies Record<string, BlockFormat>;

/** The tensor types that can be read. */
export type GgufTensorType = keyof typeof BLOCK_FORMATS;

/** Names of all numbered tensor types, so that one that can't be read is refused by its name. */
export const TENSOR_TYPE_NAMES: Readonly<Record<number, string>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  24: 'I8',
  25: 'I16',
  26: 'I32',
  27: 'I64',
  28: 'F64',
  29: 'IQ1_M',
  30: 'BF16',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
};
