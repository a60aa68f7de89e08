import { describe, expect, it } from 'vitest';
import { type ByteWriter, writeFully } from '../../src/support/write-fully.ts';

/** Takes as much as a system call does, or `most`, and notes what it was asked for. */
function recorder(most = 2 ** 31 - 1) {
  const calls: [offset: number, length: number, position: number | null][] = [];
  const handle: ByteWriter = {
    async write(_, offset, length, position) {
      if (length > 2 ** 31 - 1) throw new RangeError(`The value of "length" is out of range: ${length}`);
      calls.push([offset, length, position]);
      return { bytesWritten: Math.min(length, most) };
    },
  };
  return { calls, handle };
}

describe('writeFully', () => {
  it('writes more than one system call takes: an embedding table of 2.2 GB', async () => {
    const { calls, handle } = recorder();
    await writeFully(handle, new Uint8Array(2_179_989_504));
    expect(calls).toEqual([
      [0, 2 ** 30, null],
      [2 ** 30, 2 ** 30, null],
      [2 ** 31, 32_505_856, null],
    ]);
  });

  it('goes on where a write stopped short, at a position too', async () => {
    const { calls, handle } = recorder(4);
    await writeFully(handle, new Uint8Array(10), 100);
    expect(calls).toEqual([
      [0, 10, 100],
      [4, 6, 104],
      [8, 2, 108],
    ]);
  });
});
