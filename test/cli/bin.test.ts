import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const scratch = mkdtempSync(join(tmpdir(), 'lifealign-bin-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const start = (bin: string, ...args: string[]) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' });
  return { stdout, stderr, status };
};

/** A package folder holding only the starter and the files given. */
function layout(name: string, files: Record<string, string>): string {
  const root = join(scratch, name);
  mkdirSync(root);
  cpSync('bin', join(root, 'bin'), { recursive: true });
  cpSync('package.json', join(root, 'package.json'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return join(root, 'bin', 'lifealign.js');
}

describe('bin/lifealign.js', () => {
  it('runs the sources of a checkout', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(start('bin/lifealign.js', '--version')).toEqual({ stdout: `${version}\n`, stderr: '', status: 0 });
    expect(start('bin/lifealign.js', '--nonsense').status).toBe(2);
  });

  it('says what to do in a checkout that is not installed', () => {
    expect(start(layout('bare', { 'src/cli/main.ts': '' }), '--version')).toEqual({
      stdout: '',
      stderr: 'lifealign: the dependencies are not installed: run `npm ci` first\n',
      status: 1,
    });
  });

  it('runs dist/ in a published package, and leaves with its exit code', () => {
    const built = 'export const main = (args) => { console.log(args.join()); return 3; };';
    expect(start(layout('published', { 'dist/cli.js': built }), 'a', 'b')).toEqual({
      stdout: 'a,b\n',
      stderr: '',
      status: 3,
    });
  });
});
