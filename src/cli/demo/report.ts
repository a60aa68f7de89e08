/** What the demo tells people at its end: tables of scores, and a few answers before and after. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBuiltinSource } from '../../data/builtin/source.ts';
import type { DemoSummary } from './run.ts';
import { type DemoMethod, demoMethods } from './settings.ts';

const titles: Readonly<Record<DemoMethod, string>> = {
  lifealign: 'LifeAlign',
  er: 'ER (replay)',
  seqft: 'SeqFT',
};

/** Scores after the last task, per task and method, then Last, BWT and AP. Percent. */
export function demoTables(summary: DemoSummary): string {
  return [
    scoreTable('Preference accuracy after the last task, %', summary, 'preference_accuracy'),
    scoreTable('Rule judge of generated answers after the last task, %', summary, 'judge'),
    'Last: mean over the tasks at the end. BWT: change since each was learned. AP: mean along the way.',
  ].join('\n\n');
}

function scoreTable(
  title: string,
  { tasks, before, methods }: DemoSummary,
  score: 'preference_accuracy' | 'judge',
): string {
  const width = Math.max(...tasks.map((task) => task.length), 6) + 2;
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(14) + cells.map((cell) => cell.padStart(width)).join('');
  const shown = (value: number | null | undefined) => (value == null ? '-' : value.toFixed(1));
  const row = (method: DemoMethod) => {
    const { matrix, last, bwt, ap } = methods[method][score];
    return line(titles[method], [...(matrix.at(-1) ?? []), last, bwt, ap].map(shown));
  };
  return [
    title,
    line('', [...tasks, 'Last', 'BWT', 'AP']),
    line('before', before[score].map(shown)),
    ...demoMethods.map(row),
  ].join('\n');
}

interface StoredAnswer {
  readonly answer: string;
  readonly score: number;
}

/** For each of the first few tasks one test prompt, and what was answered to it before and at the end. */
export async function demoAnswers(
  folder: string,
  { tasks, seed }: DemoSummary,
  count: number,
): Promise<string> {
  const last = `${tasks.length}-${tasks.at(-1)}`;
  const parts = await Promise.all(
    tasks.slice(0, count).map(async (task, at) => {
      const file = join('answers', `${at + 1}-${task}.json`);
      const read = async (...path: string[]) =>
        JSON.parse(await readFile(join(folder, ...path, file), 'utf8')) as StoredAnswer[];
      const before = await read('lifealign', 'base');
      const after = await Promise.all(demoMethods.map((method) => read(method, 'tasks', last)));
      const row = tellingRow(before, after);
      const query = readBuiltinSource(`builtin:${task}/test?seed=${seed}`)[row]?.query ?? '';
      const line = (title: string, { answer, score }: StoredAnswer) =>
        `  ${title.padEnd(12)} ${String(Math.round(score)).padStart(3)}  ${answer.replaceAll('\n', ' / ')}`;
      return [
        `${task}: ${query}`,
        line('before', before[row]!),
        ...demoMethods.map((method, which) => line(titles[method], after[which]![row]!)),
      ].join('\n');
    }),
  );
  return ["A test prompt of the first tasks; the judge's score, and the answer", ...parts].join('\n\n');
}

/** The first prompt that the base did not answer as preferred; else the first of all. */
function tellingRow(before: readonly StoredAnswer[], after: readonly (readonly StoredAnswer[])[]): number {
  const found = before.findIndex(
    ({ score }, row) => score < 50 && new Set(after.map((answers) => answers[row]?.answer)).size > 1,
  );
  return Math.max(0, found);
}
