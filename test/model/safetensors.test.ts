import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  readSafetensorsHeader,
  readTensor,
  writeSafetensors,
  writeSafetensorsStream,
} from '../../src/model/weights/safetensors.ts';
import { UserError } from '../../src/support/errors.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-safetensors-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A file made by hand: any header text, any data. */
function writeRaw(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
  claimed?: bigint,
): string {
  const path = join(folder, 'raw.safetensors');
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, data]));
  return path;
}

const bytesOf = (array: Float64Array | Uint16Array | Float32Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function readOnly(path: string, name: string): Float32Array {
  const entry = readSafetensorsHeader(path).entries.get(name);
  if (entry === undefined) throw new Error(`no tensor ${name}`);
  return readTensor(entry);
}

describe('reading', () => {
  it.each([
    // 1.5, -2, the smallest subnormal, the largest number, infinity
    [
      'F16',
      bytesOf(new Uint16Array([0x3e00, 0xc000, 0x0001, 0x7bff, 0x7c00])),
      [1.5, -2, 2 ** -24, 65504, Infinity],
    ],
    // 1.5, -2, the smallest subnormal of bfloat16, 0x7f7f = its largest number, infinity
    [
      'BF16',
      bytesOf(new Uint16Array([0x3fc0, 0xc000, 0x0001, 0x7f7f, 0x7f80])),
      [1.5, -2, 2 ** -133, 3.3895313892515355e38, Infinity],
    ],
    [
      'F32',
      bytesOf(new Float32Array([1.5, -2, 2 ** -149, 3e38, NaN])),
      [1.5, -2, 2 ** -149, Math.fround(3e38), NaN],
    ],
    [
      'F64',
      bytesOf(new Float64Array([1.5, -2, 0.1, 1e300, NaN])),
      [1.5, -2, Math.fround(0.1), Infinity, NaN],
    ],
  ])('widens %s', (dtype, data, expected) => {
    const path = writeRaw(`{"t":{"dtype":"${dtype}","shape":[5],"data_offsets":[0,${data.length}]}}  `, data);
    expect([...readOnly(path, 't')]).toEqual(expected);
  });

  it('gives tensors in the order of their bytes, with absolute offsets, and the metadata', () => {
    const header =
      '{"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]},"__metadata__":{"format":"pt"},' +
      '"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,9],"data_offsets":[7,7]}}';
    const path = writeRaw(header, new Uint8Array(7));
    const { entries, metadata } = readSafetensorsHeader(path);
    expect([...entries.keys()]).toEqual(['a', 'b', 'e']);
    expect(entries.get('b')).toEqual({
      name: 'b',
      dtype: 'U8',
      shape: [3],
      file: path,
      offset: 8 + header.length + 4,
      byteLength: 3,
    });
    expect(metadata).toEqual({ format: 'pt' });
    expect(readOnly(path, 'e')).toHaveLength(0);
    expect(() => readOnly(path, 'b')).toThrow(/raw\.safetensors: tensor "b" is U8/);
  });

  const f32 = (offsets: string, shape = '[2]') =>
    `{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}`;
  it.each<[string, string, number, RegExp]>([
    ['not JSON', '{"a":', 0, /not JSON/],
    ['a list', '[]', 0, /not a JSON object/],
    ['equal names', `{"a":${f32('[0,8]')},"a":${f32('[0,8]')}}`, 8, /key more than once/],
    ['an equal name, escaped', `{"a":${f32('[0,8]')},"\\u0061":${f32('[0,8]')}}`, 8, /key more than once/],
    [
      'equal fields',
      '{"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}}',
      8,
      /more than once/,
    ],
    ['metadata of numbers', '{"__metadata__":{"a":1}}', 0, /__metadata__/],
    ['a description that is a string', '{"a":"F32"}', 0, /"a" is not described/],
    [
      'an unknown data type',
      '{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}',
      1,
      /"a" has the data type "F4"/,
    ],
    [
      'a data type out of the prototype',
      '{"a":{"dtype":"toString","shape":[],"data_offsets":[0,0]}}',
      0,
      /data type/,
    ],
    [
      'an unknown field',
      '{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}',
      4,
      /unknown field "x"/,
    ],
    ['a negative dimension', `{"a":${f32('[0,8]', '[-2]')}}`, 8, /"a" has a shape/],
    ['a fractional dimension', `{"a":${f32('[0,8]', '[0.5,4]')}}`, 8, /"a" has a shape/],
    [
      'a shape that overflows',
      `{"a":${f32('[0,8]', '[4294967296,4294967296,4294967296]')}}`,
      8,
      /"a" has 8 bytes/,
    ],
    ['offsets that run backwards', `{"a":${f32('[8,0]')}}`, 8, /"a" claims bytes/],
    ['offsets past the end', `{"a":${f32('[0,8]')}}`, 7, /"a" claims bytes 0 to 8 of 7/],
    ['one offset', `{"a":${f32('[0]')}}`, 8, /"a" has data_offsets/],
    ['too few bytes for its shape', `{"a":${f32('[0,4]')}}`, 4, /"a" has 4 bytes where F32 \[2\] needs 8/],
    ['an overlap', `{"a":${f32('[0,8]')},"b":${f32('[4,12]')}}`, 12, /"b" overlaps/],
    ['a hole', `{"a":${f32('[0,8]')},"b":${f32('[12,20]')}}`, 20, /"b" leaves a hole/],
    ['bytes nobody owns', `{"a":${f32('[0,8]')}}`, 9, /describes 8 bytes of tensors, the file holds 9/],
  ])('refuses %s', (_, header, dataBytes, message) => {
    const path = writeRaw(header, new Uint8Array(dataBytes));
    expect(() => readSafetensorsHeader(path)).toThrow(UserError);
    expect(() => readSafetensorsHeader(path)).toThrow(message);
    expect(() => readSafetensorsHeader(path)).toThrow(/raw\.safetensors/);
  });

  it('refuses headers that claim more than the file holds, bytes that are not UTF-8, and non-files', () => {
    const refused = (path: string, message: RegExp) =>
      expect(() => readSafetensorsHeader(path)).toThrow(message);
    refused(writeRaw('{}', undefined, 3n), /header of 3 bytes/);
    refused(writeRaw('{}', undefined, 2n ** 64n - 1n), /header of 18446744073709551615 bytes/);
    refused(writeRaw(new Uint8Array([0x7b, 0xff, 0x7d])), /not UTF-8/);
    const path = writeRaw('{}');
    truncateSync(path, 7);
    refused(path, /7 bytes are too few/);
    refused(folder, /not a file/);
    refused(join(folder, 'absent'), /cannot read: no such file/);
  });

  it('notices a file that shrank after its header was read', () => {
    const path = writeRaw('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', new Uint8Array(8));
    const entry = readSafetensorsHeader(path).entries.get('a');
    truncateSync(path, 64);
    expect(() => readTensor(entry as NonNullable<typeof entry>)).toThrow(
      /raw\.safetensors: ends before byte/,
    );
  });
});

describe('writing', () => {
  const names = fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 5 });

  it('gives back what was written, aligned to 64 bytes, the same bytes every time', async () => {
    const path = join(folder, 'written.safetensors');
    await fc.assert(
      fc.asyncProperty(
        names.filter((list) => !list.includes('__metadata__')),
        fc.array(fc.float32Array({ maxLength: 30 }), { minLength: 5, maxLength: 5 }),
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
        async (keys, values, metadata) => {
          const tensors = keys.map((name, i) => {
            const data = values[i] as Float32Array;
            return { name, shape: [1, data.length], data };
          });
          await writeSafetensors(path, tensors, metadata);
          const first = readFileSync(path);
          const { entries, metadata: read } = readSafetensorsHeader(path);
          expect(Math.min(...[...entries.values()].map((entry) => entry.offset)) % 64).toBe(0);
          expect({ ...read }).toEqual({ ...metadata });
          for (const { name, shape, data } of tensors) {
            const entry = entries.get(name);
            expect(entry?.shape).toEqual(shape);
            expect(readTensor(entry as NonNullable<typeof entry>)).toEqual(data);
          }
          await writeSafetensors(path, tensors, metadata);
          expect(readFileSync(path).equals(first)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('streams tensors in their declared order, and leaves nothing where that fails', async () => {
    const inside = mkdtempSync(join(folder, 'streamed-'));
    const path = join(inside, 'model.safetensors');
    const specs = [
      { name: 'a', shape: [2] },
      { name: 'b', shape: [1, 1] },
    ];
    const [a, b] = [new Float32Array([1, 2]), new Float32Array([3])];
    const attempt = (...order: [string, Float32Array][]) =>
      writeSafetensorsStream(path, specs, async (write) => {
        for (const [name, data] of order) await write(name, data);
      });
    await expect(attempt(['b', b], ['a', a])).rejects.toThrow(/"b" came where "a" was declared/);
    await expect(attempt(['a', b])).rejects.toThrow(/"a" has 1 values for the shape \[2\]/);
    await expect(attempt(['a', a])).rejects.toThrow(/"b" was never written/);
    await expect(attempt(['a', a], ['b', b], ['b', b])).rejects.toThrow(/"b" came where/);
    expect(readdirSync(inside)).toEqual([]);
    await attempt(['a', a], ['b', b]);
    expect(readdirSync(inside)).toEqual(['model.safetensors']);
    expect([...readOnly(path, 'a'), ...readOnly(path, 'b')]).toEqual([1, 2, 3]);
  });

  it('refuses a name used twice', async () => {
    const tensor = { name: 'a', shape: [1], data: new Float32Array(1) };
    await expect(writeSafetensors(join(folder, 'x'), [tensor, tensor])).rejects.toThrow(
      /"a" is reserved or used/,
    );
  });
});
