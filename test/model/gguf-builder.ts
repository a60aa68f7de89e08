/** Writes small GGUF files of any content, right or wrong; the reader under test shares nothing with it. */

type Scalar = { type: 'u32' | 'i32' | 'f32' | 'bool' | 'string'; value: number | boolean | string };
export type Metadata = Record<
  string,
  Scalar | { type: 'array'; of: Scalar['type']; items: Scalar['value'][] }
>;

export interface BuilderTensor {
  readonly name: string;
  /** Hugging Face's order, outermost first. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
  readonly type?: number;
}

const TYPE_NUMBERS = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8 } as const;

export function buildGguf(metadata: Metadata, tensors: readonly BuilderTensor[]): Buffer {
  const header = [u32(0x46554747), u32(3), u64(tensors.length), u64(Object.keys(metadata).length)];
  for (const [key, value] of Object.entries(metadata)) {
    header.push(text(key));
    if (value.type === 'array') {
      header.push(u32(9), u32(TYPE_NUMBERS[value.of]), u64(value.items.length));
      for (const item of value.items) header.push(scalar({ type: value.of, value: item }));
    } else header.push(u32(TYPE_NUMBERS[value.type]), scalar(value));
  }
  const data: Buffer[] = [];
  let offset = 0;
  for (const tensor of tensors) {
    header.push(text(tensor.name), u32(tensor.shape.length));
    for (const size of [...tensor.shape].reverse()) header.push(u64(size));
    header.push(u32(tensor.type ?? 0), u64(offset));
    const bytes = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    data.push(padded(bytes));
    offset += data.at(-1)?.length ?? 0;
  }
  return Buffer.concat([padded(Buffer.concat(header)), ...data]);
}

const strings = (items: string[]) => ({ type: 'array' as const, of: 'string' as const, items });

/** A one-layer model of 16 numbers, two heads of eight, four tokens; parts can be replaced or added. */
export function tinyGguf(
  changes: { metadata?: Metadata; tensors?: BuilderTensor[]; without?: string[] } = {},
): Buffer {
  const architecture = String(
    (changes.metadata?.['general.architecture'] as Scalar | undefined)?.value ?? 'llama',
  );
  const count = (value: number): Scalar => ({ type: 'u32', value });
  const metadata: Metadata = {
    'general.architecture': { type: 'string', value: architecture },
    [`${architecture}.block_count`]: count(1),
    [`${architecture}.context_length`]: count(64),
    [`${architecture}.embedding_length`]: count(16),
    [`${architecture}.feed_forward_length`]: count(24),
    [`${architecture}.attention.head_count`]: count(2),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { type: 'f32', value: 1e-5 },
    'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
    'tokenizer.ggml.pre': { type: 'string', value: 'smollm' },
    'tokenizer.ggml.tokens': strings(['<s>', 'a', 'b', 'ab']),
    'tokenizer.ggml.token_type': { type: 'array', of: 'i32', items: [3, 1, 1, 1] },
    'tokenizer.ggml.merges': strings(['a b']),
    'tokenizer.ggml.eos_token_id': count(0),
    ...changes.metadata,
  };
  const shapes: Record<string, number[]> = {
    'token_embd.weight': [4, 16],
    'blk.0.attn_norm.weight': [16],
    'blk.0.attn_q.weight': [16, 16],
    'blk.0.attn_k.weight': [16, 16],
    'blk.0.attn_v.weight': [16, 16],
    'blk.0.attn_output.weight': [16, 16],
    'blk.0.ffn_norm.weight': [16],
    'blk.0.ffn_gate.weight': [24, 16],
    'blk.0.ffn_up.weight': [24, 16],
    'blk.0.ffn_down.weight': [16, 24],
    'output_norm.weight': [16],
  };
  const tensors = Object.entries(shapes).map(([name, shape]) => counting(name, shape));
  const replaced = new Map([...tensors, ...(changes.tensors ?? [])].map((tensor) => [tensor.name, tensor]));
  const kept = Object.entries(metadata).filter(([key]) => !changes.without?.includes(key));
  return buildGguf(
    Object.fromEntries(kept),
    [...replaced.values()].filter(({ name }) => !changes.without?.includes(name)),
  );
}

/** A tensor holding 0, 1, 2, ... */
export function counting(name: string, shape: readonly number[]): BuilderTensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  return { name, shape, data: Float32Array.from({ length: elements }, (_, i) => i) };
}

function scalar({ type, value }: Scalar): Buffer {
  if (type === 'string') return text(String(value));
  if (type === 'bool') return Buffer.from([Number(value)]);
  const bytes = Buffer.alloc(4);
  if (type === 'u32') bytes.writeUInt32LE(Number(value));
  else if (type === 'i32') bytes.writeInt32LE(Number(value));
  else bytes.writeFloatLE(Number(value));
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((32 - (bytes.length % 32)) % 32)]);
}
