/** `lifealign learn` as the learner starts it, as a process; and what `serve` refuses to learn. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { learnerSettings } from '../../../src/cli/serve/flags.ts';
import { checkTasks, learningMemory } from '../../../src/cli/serve/learner.ts';
import { lockMemory, type MemoryWriter } from '../../../src/memory/store/writer.ts';
import { learnStarter } from '../../../src/service/learner/learn-process.ts';
import { createSmallMemory } from '../../memory/store/small-memory.ts';

const BIN = fileURLToPath(new URL('../../../bin/lifealign.js', import.meta.url));

let folder: string;
let memory: string;
let writer: MemoryWriter;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifealign-learn-process-'));
  memory = join(folder, 'support');
  await createSmallMemory(memory);
  // Whoever learns has to wait.
  writer = await lockMemory(memory);
});
afterAll(() => {
  writer.release();
  rmSync(folder, { recursive: true, force: true });
});

const job = () => ({
  ...{ memory, task: 'a', data: join(folder, 'rows.jsonl'), restart: false, private: true },
  ...{ set: [], threads: null, nice: 19 },
});

it('learn ends with the program that holds its input', async () => {
  const args = [
    'learn',
    '--memory',
    memory,
    '--task',
    'a',
    '--data',
    'x',
    '--stop-with-input',
    '--wait',
    '600',
  ];
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['pipe', 'ignore', 'pipe'] });
  const waits = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => text.includes('waiting for') && resolve());
  });
  const gone = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_, signal) => resolve(signal)),
  );
  await waits;
  child.stdin.end();
  expect(await gone).toBe('SIGTERM');
});

it('a learning process says how it ended, and what was wrong', async () => {
  const start = learnStarter([process.execPath, BIN]);
  const bad = start({ ...job(), set: ['nonsense'], memory: join(folder, 'nowhere') }, () => {});
  expect(await bad.ended).toEqual({ code: 2, problem: expect.stringContaining('no such folder') });
  const killed = start(job(), () => {});
  killed.kill();
  expect(await killed.ended).toEqual({ code: null, problem: null });
  const none = learnStarter([join(folder, 'no-program')])(job(), () => {});
  expect(await none.ended).toEqual({ code: null, problem: expect.stringContaining('ENOENT') });
});

it('serve refuses what it could never learn', async () => {
  const file = join(folder, 'learner.yaml');
  const check = async (settings: string, memories: readonly string[] = ['support']) => {
    writeFileSync(file, settings);
    const read = await learnerSettings({ learner: file, memory: memories });
    const opened = memories.map((name) => ({ name, folder: memory, store: writer.store, base: 'tiny' }));
    await checkTasks(learningMemory(opened, read!), read!);
  };
  expect(await learnerSettings({ memory: [] })).toBeNull();
  await expect(check('', [])).rejects.toThrow(/there is no --memory to learn into/);
  await expect(learnerSettings({ learnFrom: 'x', memory: ['a'] })).rejects.toThrow(
    /--learn-from x: expected/,
  );
  await expect(check('form: 3')).rejects.toThrow(/learner\.yaml.*"form".*Did you mean "from"/s);
  await expect(check('memory: suport')).rejects.toThrow(/no --memory suport; .*Did you mean "support"/s);
  await expect(check('', ['support', 'other'])).rejects.toThrow(/there are several memories/);
  await expect(check('from: 20')).rejects.toThrow(/a task of 20 rows is too small/);
  await expect(check('set: [stages.sft.epoch=1]')).rejects.toThrow(/stages\.sft\.epoch/);
  await check('memory: support', ['support', 'other']);
});
