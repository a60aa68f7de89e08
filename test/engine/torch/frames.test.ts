/** Frames of the torch engine's protocol: what is written is read, however it is cut; all else is an error. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeFrame,
  type Frame,
  FrameReader,
  type FrameTensor,
  MAX_GREETING,
  ProtocolError,
} from '../../../src/engine/torch/frames.ts';

const raw = (header: string | Uint8Array, payload = new Uint8Array()): Buffer => {
  const prefix = Buffer.alloc(12);
  const text = Buffer.from(header);
  prefix.writeUInt32LE(text.length);
  prefix.writeBigUInt64LE(BigInt(payload.length), 4);
  return Buffer.concat([prefix, text, payload]);
};
const bytes = (frame: Frame): Buffer => Buffer.concat(encodeFrame(frame));

const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { maxLength: 9 });
const tensor: fc.Arbitrary<FrameTensor> = fc
  .tuple(numbers, fc.constantFrom(Float32Array, Float64Array, Int32Array))
  .map(([values, kind]) => ({ shape: [values.length, 1], data: kind.from(values) }));
const frame: fc.Arbitrary<Frame> = fc.record({
  header: fc.record({ type: fc.string(), text: fc.string({ unit: 'grapheme' }) }),
  tensors: fc.dictionary(fc.string(), tensor, { maxKeys: 3 }).map((all) => new Map(Object.entries(all))),
});

describe('frames', () => {
  it('are read as they were written, in pieces of any size', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 4 }), fc.integer({ min: 1, max: 40 }), (frames, size) => {
        const data = Buffer.concat(frames.map(bytes));
        const reader = new FrameReader();
        const found: Frame[] = [];
        for (let at = 0; at < data.length; at += size)
          found.push(...reader.push(data.subarray(at, at + size)));
        reader.end();
        expect(found).toEqual(frames);
      }),
    );
  });

  const one = { name: 'a', dtype: 'float32', shape: [1] };
  const header = (...tensors: unknown[]) => JSON.stringify({ tensors });
  it.each<[string, Buffer]>([
    ['no JSON', raw('{')],
    ['no UTF-8', raw(Uint8Array.of(0x22, 0xff, 0x22))],
    ['a list', raw('[]')],
    ['no tensors', raw('{}')],
    ['tensors that are no list', raw('{"tensors": 1}')],
    ['too little payload', raw(header(one), new Uint8Array(3))],
    ['too much payload', raw(header(one), new Uint8Array(5))],
    ['a tensor twice', raw(header(one, one), new Uint8Array(8))],
    ['an unknown type', raw(header({ ...one, dtype: 'constructor' }), new Uint8Array(4))],
    ['a negative shape', raw(header({ ...one, shape: [-1, -1] }), new Uint8Array(4))],
    ['a huge shape', raw(header({ ...one, shape: new Array(8).fill(2 ** 50) }), new Uint8Array(4))],
    ['a shape of many dimensions', raw(header({ ...one, shape: new Array(9).fill(1) }), new Uint8Array(4))],
    ['null as tensor', raw(header(null))],
    ['a large greeting', raw(' '.repeat(MAX_GREETING + 1))],
  ])('are refused: %s', (_, data) => {
    expect(() => new FrameReader().push(data)).toThrow(ProtocolError);
  });

  it('may be large after the first', () => {
    const reader = new FrameReader();
    const large = raw(JSON.stringify({ tensors: [], text: ' '.repeat(MAX_GREETING) }));
    expect(reader.push(Buffer.concat([raw('{"tensors":[]}'), large]))).toHaveLength(2);
  });

  it('that are cut off are not the end of a stream', () => {
    const data = bytes({
      header: { type: 'x' },
      tensors: new Map([['a', { shape: [2], data: Int32Array.of(1, 2) }]]),
    });
    for (let end = 1; end < data.length; end++) {
      const reader = new FrameReader();
      expect(reader.push(data.subarray(0, end))).toEqual([]);
      expect(() => reader.end()).toThrow(ProtocolError);
    }
  });

  it('changed in any way are frames or an error of the protocol', () => {
    const change = fc.record({
      at: fc.nat(),
      cut: fc.nat(9),
      put: fc.uint8Array({ maxLength: 9 }),
    });
    fc.assert(
      fc.property(frame, fc.array(change, { minLength: 1, maxLength: 4 }), (given, changes) => {
        let data = bytes(given);
        for (const { at, cut, put } of changes) {
          const place = at % (data.length + 1);
          data = Buffer.concat([data.subarray(0, place), put, data.subarray(place + cut)]);
        }
        const reader = new FrameReader();
        try {
          reader.push(data);
          reader.end();
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
