/** The shop of the built-in stream as the studio's tests have it: a memory that has learned, and a service before it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import { type BuiltinRow, builtinRows } from '../../src/data/builtin/rows.ts';
import { findRuleJudge } from '../../src/eval/judges/index.ts';
import { lifealign } from '../cli/command.ts';

const stage = { epochs: 3, batch_size: 8, warmup_ratio: 0 };
const config = {
  base: 'tiny',
  learn: {
    stages: { sft: { ...stage, learning_rate: 2e-3 }, preference: { ...stage, learning_rate: 1e-3 } },
    general: { rows: 'builtin:neutral/everyday', limit: 4, max_new_tokens: 6 },
    max_length: 256,
    split: { gate: 40, report: 20 },
    search: { lambda: [0.5], threshold: [0.9], scale: [1, 0.25] },
  },
};

export function rowsOf(task: string, split: 'train' | 'test', count: number): readonly BuiltinRow[] {
  return builtinRows(builtinTasks.find(({ name }) => name === task)!, split, count, 0);
}

/** Makes the memory `folder/memory`. */
export async function makeMemory(folder: string): Promise<void> {
  writeFileSync(join(folder, 'memory.yaml'), stringify(config));
  const init = ['memory', 'init', '--memory', join(folder, 'memory')];
  await expectDone(await lifealign(...init, '--config', join(folder, 'memory.yaml')));
}

/** @throws for whatever was not committed, with what was said */
export async function learnRows(folder: string, task: string, rows: readonly BuiltinRow[]): Promise<void> {
  const data = join(folder, `${task}.json`);
  writeFileSync(data, JSON.stringify(rows));
  const learn = ['learn', '--memory', join(folder, 'memory'), '--task', task, '--data', data, '--wait', '60'];
  await expectDone(await lifealign(...learn));
}

/** A learner that waits for somebody at every step; returns its file. */
export function writeLearner(folder: string): string {
  const file = join(folder, 'learner.yaml');
  const shadow = { prompts: 4, max_tokens: 32, hours: 1 };
  writeFileSync(file, stringify({ from: null, least: 150, private: false, nice: 0, shadow, canary: null }));
  return file;
}

async function expectDone({ code, stdout, stderr }: Awaited<ReturnType<typeof lifealign>>): Promise<void> {
  if (code !== 0) throw new Error(`ended with ${code}:\n${stdout}\n${stderr}`);
}

/** Mean of the task's judge over answers, 0 to 100. */
export function judged(task: string, rows: readonly BuiltinRow[], answers: readonly string[]): number {
  const judge = findRuleJudge(task);
  const scores = rows.map(({ query, chosen }, at) =>
    judge.score(answers[at] ?? '', { query, reference: chosen }),
  );
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}
