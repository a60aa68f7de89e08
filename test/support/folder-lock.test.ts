import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UserError } from '../../src/support/errors.ts';
import { lockFolder } from '../../src/support/folder-lock.ts';
import { temporaryFolder, workspace } from '../train/temporary-folder.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { outcome, runToy, toyConfig } from '../train/toy-stream.ts';

const CHILD = fileURLToPath(new URL('../faults/child.ts', import.meta.url));
const lockFile = (folder: string) => join(folder, 'output/run.lock');

/** A run in a process of its own, slowed down; returned once it holds the folder and has done some work. */
async function startRun(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, folder, 'toy'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  while (!existsSync(join(folder, 'output/checkpoints/000002.safetensors'))) {
    if (child.exitCode !== null) throw new Error('the run ended before it could be disturbed');
    await wait(5);
  }
  return child;
}

function killed(child: ChildProcess): Promise<unknown> {
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  return ended;
}

const resume = (folder: string, log: string[] = []) =>
  runToy(toyConfig(), { folder, environment: { resume: true, log: (line) => void log.push(line) } });

describe('two runs in one folder', () => {
  it('the second is refused with exit code 2, naming the first; killed, the first is taken over', async () => {
    const folder = workspace();
    const child = await startRun(folder);
    const refusal = await resume(folder).catch((error: unknown) => error);
    expect(child.exitCode).toBeNull();
    expect(refusal).toBeInstanceOf(UserError);
    expect(refusal).toMatchObject({ exitCode: 2 });
    expect((refusal as Error).message).toMatch(
      new RegExp(`output: process ${child.pid} is at work there; wait for its end, or stop it$`),
    );
    expect(existsSync(lockFile(folder))).toBe(true);

    await killed(child);
    const log: string[] = [];
    await resume(folder, log);
    expect(log[0]).toMatch(new RegExp(`^taking over .*output from process ${child.pid}, which ended`));
    expect(existsSync(lockFile(folder))).toBe(false);

    const undisturbed = workspace();
    await runToy(toyConfig(), { folder: undisturbed });
    expect(outcome(join(folder, 'output'))).toEqual(outcome(join(undisturbed, 'output')));
  });

  it('in one process too', async () => {
    const folder = workspace();
    const both = await Promise.allSettled([runToy(toyConfig(), { folder }), runToy(toyConfig(), { folder })]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = both.find((result) => result.status === 'rejected');
    expect(refused?.reason.message).toContain(`process ${process.pid} is at work there`);
  });
});

describe('the lock', () => {
  const silent = () => {};
  const write = (folder: string, content: string) => {
    mkdirSync(join(folder, 'output'), { recursive: true });
    writeFileSync(lockFile(folder), content);
  };
  const owner = (changes: object) =>
    JSON.stringify({ pid: process.pid, host: hostname(), started: null, ...changes });

  it('goes on an error, and on Ctrl-C', async () => {
    const folder = workspace();
    const fail = new ToyEngine({
      onRow: () => {
        expect(JSON.parse(readFileSync(lockFile(folder), 'utf8'))).toMatchObject({ pid: process.pid });
        throw new Error('broken');
      },
    });
    await expect(runToy(toyConfig(), { folder, engine: fail })).rejects.toThrow('broken');
    expect(existsSync(lockFile(folder))).toBe(false);

    const controller = new AbortController();
    const engine = new ToyEngine({ onRow: () => controller.abort() });
    const environment = { resume: true, signal: controller.signal };
    await expect(runToy(toyConfig(), { folder, engine, environment })).rejects.toThrow(/interrupted/);
    expect(existsSync(lockFile(folder))).toBe(false);
  });

  it('goes when the folder is refused', async () => {
    const folder = workspace();
    await runToy(toyConfig(), { folder });
    await expect(runToy(toyConfig(), { folder })).rejects.toThrow(/holds a run already/);
    await expect(runToy(toyConfig({ seed: 1 }), { folder, environment: { resume: true } })).rejects.toThrow(
      /field "seed"/,
    );
    expect(existsSync(lockFile(folder))).toBe(false);
  });

  it.each([
    ['a process that has another start time: its number was given out again', owner({ started: 'long ago' })],
    ['a process that is gone', owner({ pid: 2 ** 30 })],
    ['a writer that died before it had written anything', ''],
  ])('is taken over from %s', async (_, content) => {
    const folder = temporaryFolder();
    write(folder, content);
    const log: string[] = [];
    const lock = await lockFolder(join(folder, 'output'), (line) => log.push(line));
    expect(log).toEqual([expect.stringMatching(/^taking over .* which ended without letting go of it$/)]);
    expect(JSON.parse(readFileSync(lockFile(folder), 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
    expect(existsSync(lockFile(folder))).toBe(false);
  });

  // An empty one makes them all wait, and then find it at the same time.
  it('is taken over by one of many that try at once', async () => {
    const folder = temporaryFolder();
    write(folder, '');
    const tries = Array.from({ length: 20 }, () => lockFolder(join(folder, 'output'), silent));
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('of another host is respected, saying what to do', async () => {
    const folder = temporaryFolder();
    write(folder, owner({ host: 'elsewhere', pid: 7 }));
    await expect(lockFolder(join(folder, 'output'), silent)).rejects.toThrow(
      /process 7 on elsewhere is at work there; .* remove .*run\.lock$/,
    );
  });
});
