import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configFromGguf } from '../../src/model/gguf/architecture.ts';
import { convertGguf } from '../../src/model/gguf/convert.ts';
import { readGguf } from '../../src/model/gguf/reader.ts';
import { tokenizerFromGguf } from '../../src/model/gguf/tokenizer.ts';
import { UserError } from '../../src/support/errors.ts';
import { buildGguf, counting, type Metadata, tinyGguf } from './gguf-builder.ts';
import { useTemporaryCache } from './temporary-cache.ts';

const intact = readFileSync(join(import.meta.dirname, 'fixtures', 'tiny-llama.gguf'));
const temporary = useTemporaryCache();

/** Everything the conversion does before it writes. */
function inspect(path: string): void {
  const file = readGguf(path);
  const config = configFromGguf(file);
  tokenizerFromGguf(file, config['vocab_size'] as number);
}

/** Reads damaged bytes: done (the damage hit a harmless byte), or a UserError naming the file. */
async function survives(bytes: Uint8Array, read: (path: string) => unknown): Promise<void> {
  const file = join(temporary(), 'damaged.gguf');
  writeFileSync(file, bytes);
  try {
    await read(file);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toContain(file);
  }
}

/** Where the tensors' bytes start; what lies before is the header. */
const headerBytes = Math.min(
  ...[...readGguf(join(import.meta.dirname, 'fixtures', 'tiny-llama.gguf')).tensors.values()].map(
    ({ offset }) => offset,
  ),
);

describe('a damaged GGUF file ends in a UserError or is read, nothing else', () => {
  const cut = fc.nat(intact.length - 1).map((length) => intact.subarray(0, length));
  const flipped = fc
    .array(fc.tuple(fc.nat(headerBytes - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((changes) => {
      const bytes = Buffer.from(intact);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const huge = fc
    .tuple(
      fc.nat(headerBytes - 8),
      fc.constantFrom(0xffffffffffffffffn, 0x7fffffffffffffffn, 1n << 53n, 1n << 40n, 1n << 31n),
    )
    .map(([at, value]) => {
      const bytes = Buffer.from(intact);
      bytes.writeBigUInt64LE(value, at);
      return bytes;
    });

  it.each<[string, fc.Arbitrary<Uint8Array>]>([
    ['truncated anywhere', cut],
    ['with bytes of the header changed', flipped],
    ['with a huge number anywhere in the header', huge],
  ])('%s', async (_, damaged) => {
    await fc.assert(
      fc.asyncProperty(damaged, (bytes) => survives(bytes, inspect)),
      { numRuns: 500 },
    );
    const convert = (path: string) => convertGguf(path, mkdtempSync(join(temporary(), 'out-')));
    await fc.assert(
      fc.asyncProperty(damaged, (bytes) => survives(bytes, convert)),
      { numRuns: 25 },
    );
  });
});

describe('lies in a header are refused with the field they are in', () => {
  const number = (value: number) => ({ type: 'u32' as const, value });
  const twice = buildGguf({}, [counting('same', [8]), counting('same', [8])]);
  const overlap = buildGguf({}, [counting('one', [8]), counting('two', [8])]);
  const secondOffset = overlap.indexOf('two') + 3 + 4 + 8 + 4;
  const at = (offset: number, value: bigint, bytes: Buffer = Buffer.from(intact)) => {
    bytes.writeBigUInt64LE(value, offset);
    return bytes;
  };
  const key = intact.indexOf('general.architecture');
  it.each<[string, Buffer, RegExp]>([
    ['not GGUF', Buffer.from('GGML and more'), /magic number: not a GGUF file/],
    ['empty', Buffer.alloc(0), /magic number/],
    ['version 1', Buffer.from([...intact.subarray(0, 4), 1, 0, 0, 0]), /version: 1 is not supported/],
    ['big-endian', Buffer.from([...intact.subarray(0, 4), 0, 0, 0, 3]), /version.*little-endian/],
    ['too many tensors', at(8, 1n << 62n), /tensor count: 4611686018427387904 don't fit/],
    ['too many keys', at(16, 1n << 40n), /metadata count: 1099511627776 don't fit/],
    ['a long key', at(24, 1n << 33n), /length of metadata key 1 .*don't fit/],
    ['a long string', at(key + 24, 0xffffffffn), /length of metadata "general.architecture"/],
    ['a key twice', buildTwoKeys(), /metadata key "a": occurs twice/],
    ['a tensor twice', twice, /tensor "same": occurs twice/],
    ['overlap', at(secondOffset, 0n, Buffer.from(overlap)), /tensor "two": overlaps/],
    [
      'an unaligned offset',
      at(secondOffset, 33n, Buffer.from(overlap)),
      /tensor "two": offset 33 .*alignment 32/,
    ],
    ['an offset beyond the end', at(secondOffset, 1n << 50n, Buffer.from(overlap)), /tensor "two": offset/],
    ['too short for its tensors', overlap.subarray(0, overlap.length - 1), /tensor "two": ends at byte/],
    [
      'an odd alignment',
      buildGguf({ 'general.alignment': number(33) }, []),
      /general.alignment.*power of two/,
    ],
    ['overflowing shape', lyingShape(), /tensor "one": dimension 1 is 18446744073709551615/],
    ['an unknown value type', unknownType(), /metadata "a": unknown value type 99/],
    [
      'wrong type of a key',
      tinyGguf({ metadata: { 'llama.block_count': { type: 'string', value: '1' } } }),
      /block_count.*number/,
    ],
  ])('%s', async (_, bytes, message) => {
    const file = join(temporary(), 'lying.gguf');
    writeFileSync(file, bytes);
    await expect(convertGguf(file, temporary())).rejects.toThrow(message);
    await expect(convertGguf(file, temporary())).rejects.toBeInstanceOf(UserError);
  });

  function buildTwoKeys(): Buffer {
    const bytes = buildGguf({ a: number(1), b: number(1) } satisfies Metadata, []);
    bytes.write('a', bytes.indexOf('b', 24));
    return bytes;
  }

  function lyingShape(): Buffer {
    const bytes = buildGguf({}, [counting('one', [8])]);
    return at(bytes.indexOf('one') + 3 + 4, 0xffffffffffffffffn, bytes);
  }

  function unknownType(): Buffer {
    const bytes = buildGguf({ a: number(1) }, []);
    bytes.writeUInt32LE(99, bytes.indexOf('a', 24) + 1);
    return bytes;
  }
});
