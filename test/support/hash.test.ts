import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sha256, sha256File } from '../../src/support/hash.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifealign-hash-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('sha256File', () => {
  it('is SHA-256 of the bytes', async () => {
    const path = join(folder, 'abc');
    writeFileSync(path, 'abc');
    // FIPS 180-4, the first example of its test vectors.
    const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(await sha256File(path)).toBe(expected);
  });

  it('names a file it cannot read', async () => {
    await expect(sha256File(folder)).rejects.toThrow(`${folder}: cannot read: it is a folder (EISDIR)`);
  });
});

describe('sha256', () => {
  it('depends on where one part ends and the next begins', () => {
    expect(sha256(['ab', 'c'])).not.toBe(sha256(['a', 'bc']));
    expect(sha256(['ab'])).not.toBe(sha256(['ab', '']));
  });

  it('takes text as UTF-8', () => {
    expect(sha256(['é'])).toBe(sha256([Uint8Array.of(0xc3, 0xa9)]));
  });
});
