import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic, writeFileAtomicStream, writeFolderAtomic } from '../../src/support/atomic-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-atomic-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const failure = new Error('stopped half-way');

describe('writeFileAtomic', () => {
  it('writes text and bytes, replacing what was there', async () => {
    const path = join(folder, 'a.txt');
    await writeFileAtomic(path, 'first');
    await writeFileAtomic(path, Uint8Array.of(0xc3, 0xa9));
    expect(readFileSync(path, 'utf8')).toBe('é');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });

  it('follows a link to the file it stands for', async () => {
    writeFileSync(join(folder, 'target'), 'old');
    symlinkSync('target', join(folder, 'link'));
    await writeFileAtomic(join(folder, 'link'), 'new');
    expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('new');
  });

  it('refuses to replace a device by a file', async () => {
    await expect(writeFileAtomic('/dev/null', 'x')).rejects.toMatchObject({
      name: 'UserError',
      message: '/dev/null: cannot write: it is not a regular file',
    });
  });

  it('names a folder that does not exist', async () => {
    const path = join(folder, 'absent', 'a.txt');
    await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 2,
      message: `${path}: cannot write: no such file or folder (ENOENT)`,
    });
  });

  it('leaves the old file alone when the disk refuses to take the new one', () => {
    const path = join(folder, 'big');
    writeFileSync(path, 'old');
    // A file size limit of 8 blocks, with its signal ignored: the kernel cuts the write short, then
    // refuses the rest, just as a disk that fills up does.
    const script = `
      import { writeFileAtomic } from './src/support/atomic-file.ts';
      await writeFileAtomic(${JSON.stringify(path)}, new Uint8Array(1e6)).catch((error) => {
        console.log(error.name, error.exitCode, error.message);
      });`;
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', script];
    const limited = ['-c', `trap '' XFSZ; ulimit -f 8; exec "$@"`, 'bash', ...node];
    const { stdout, stderr } = spawnSync('bash', limited, {
      encoding: 'utf8',
      env: { ...process.env, TSX_DISABLE_CACHE: '1' },
    });
    expect(stderr).toBe('');
    expect(stdout).toBe(
      `UserError 1 ${path}: cannot write: the file would be larger than this system allows (EFBIG)\n`,
    );
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['big']);
  });
});

describe('writeFileAtomicStream', () => {
  it('writes pieces in order', async () => {
    const path = join(folder, 'a.txt');
    await writeFileAtomicStream(path, async (sink) => {
      for (let i = 0; i < 1000; i++) await sink.write(`${i}\n`);
      expect(existsSync(path)).toBe(false);
    });
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(1001);
  });

  it('leaves nothing when producing fails', async () => {
    const producing = writeFileAtomicStream(join(folder, 'a.txt'), async (sink) => {
      await sink.write('half');
      throw failure;
    });
    await expect(producing).rejects.toBe(failure);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('writeFolderAtomic', () => {
  const fillWith = (content: string) => async (temporary: string) => {
    mkdirSync(join(temporary, 'deep'));
    await writeFile(join(temporary, 'deep', 'file'), content);
  };

  it('makes the folder and its missing parents', async () => {
    const path = join(folder, 'tasks', '1');
    await writeFolderAtomic(`${path}/`, fillWith('one'));
    expect(readFileSync(join(path, 'deep', 'file'), 'utf8')).toBe('one');
    expect(readdirSync(join(folder, 'tasks'))).toEqual(['1']);
  });

  it('refuses a folder that holds something, unless told to replace it', async () => {
    const path = join(folder, 'a');
    await writeFolderAtomic(path, fillWith('one'));
    await expect(writeFolderAtomic(path, fillWith('two'))).rejects.toThrow(
      `${path}: the folder already exists`,
    );
    await writeFolderAtomic(path, fillWith('three'), { replace: true });
    expect(readFileSync(join(path, 'deep', 'file'), 'utf8')).toBe('three');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('keeps the old folder when filling the new one fails', async () => {
    const path = join(folder, 'a');
    await writeFolderAtomic(path, fillWith('one'));
    const filling = writeFolderAtomic(
      path,
      async (temporary) => {
        await fillWith('two')(temporary);
        throw failure;
      },
      { replace: true },
    );
    await expect(filling).rejects.toBe(failure);
    expect(readFileSync(join(path, 'deep', 'file'), 'utf8')).toBe('one');
    expect(readdirSync(folder)).toEqual(['a']);
  });
});
