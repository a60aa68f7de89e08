/** What the demo tells people at its end: tables of scores, and a few answers before and after. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBuiltinTask } from '../../data/builtin/source.ts';
import { decimal } from '../../eval/number-text.ts';
import { rangeOf } from '../colour-scale.ts';
import { heatmap } from '../heatmap.ts';
import { type Screen, screenOf } from '../screen.ts';
import { sideBySide } from '../side-by-side.ts';
import type { DemoSummary } from './run.ts';
import { type DemoMethod, demoMethods } from './settings.ts';

const titles: Readonly<Record<DemoMethod, string>> = {
  lifealign: 'LifeAlign',
  er: 'ER',
  seqft: 'SeqFT',
};

type ScoreName = 'preference_accuracy' | 'judge';

/**
 * Per task and method the score when it was learned and after the last task, then Last, BWT and AP; each method's whole
 * matrix of preference accuracy. Percent. For standard output unless another screen is given.
 */
export function demoTables(summary: DemoSummary, screen: Screen = screenOf(process.stdout)): string {
  return [
    'LifeAlign: focal loss, replay, consolidation. ER: replay only. SeqFT: nothing against forgetting.',
    scoreTable('Preference accuracy on test rows, %', summary, 'preference_accuracy', screen),
    scoreTable('Rule judge of greedy answers to test prompts, %', summary, 'judge', screen),
    [
      'Last: mean over the tasks at the end. BWT: mean change of the earlier tasks since each was learned',
      '(below 0: forgotten). AP: mean over the tasks seen so far, averaged along the way.',
    ].join('\n'),
    matrices(summary, screen),
    closing(summary),
  ].join('\n\n');
}

function scoreTable(
  title: string,
  { tasks, before, methods }: DemoSummary,
  score: ScoreName,
  { colours }: Screen,
): string {
  const rows = demoMethods.flatMap((method) => {
    const { matrix, last, bwt, ap } = methods[method][score];
    return [
      {
        name: `${titles[method]}, when learned`,
        values: matrix.map((row, at) => row[at] ?? null),
        further: [],
      },
      { name: `${titles[method]}, at the end`, values: matrix.at(-1) ?? [], further: [last, bwt, ap] },
    ];
  });
  const all = [{ name: 'before training', values: before[score], further: [] }, ...rows];
  const table = {
    title,
    rows: all.map(({ name }) => name),
    columns: tasks,
    values: all.map(({ values }) => values),
    further: { columns: ['Last', 'BWT', 'AP'], values: all.map(({ further }) => further) },
  };
  // Nine columns do not fit a narrow terminal, whatever is left of their names.
  return heatmap(table, { colours, width: Number.POSITIVE_INFINITY });
}

/** The methods' colours mean the same, so that they can be compared. */
function matrices({ tasks, methods }: DemoSummary, { colours, width }: Screen): string {
  const range = rangeOf(demoMethods.flatMap((method) => methods[method].preference_accuracy.matrix.flat()));
  const maps = demoMethods.map((method) =>
    heatmap(
      {
        title: `${titles[method]}: preference accuracy after each task, %`,
        rows: tasks,
        columns: tasks,
        values: methods[method].preference_accuracy.matrix,
        range,
      },
      { colours },
    ),
  );
  return sideBySide(maps, width);
}

/** One sentence of what was measured, whatever it was. */
function closing({ methods }: DemoSummary): string {
  const change = (method: DemoMethod) =>
    `${titles[method]} ${decimal(methods[method].judge.bwt)} (${decimal(methods[method].preference_accuracy.bwt)})`;
  return `Since each task was learned, its judge's score (preference accuracy) changed on average by: ${demoMethods.map(change).join(', ')}.`;
}

interface StoredAnswer {
  readonly answer: string;
  readonly score: number;
}

/** For each of the first few tasks the first test prompt that the base got wrong, and the answers to it. */
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
      const row = Math.max(
        0,
        before.findIndex(({ score }) => score < 50),
      );
      const query = readBuiltinTask(`builtin:${task}/test?seed=${seed}`)[row]?.query ?? '';
      const line = (title: string, { answer, score }: StoredAnswer) =>
        `  ${title.padEnd(10)} ${String(Math.round(score)).padStart(3)}  ${answer.replaceAll('\n', ' / ')}`;
      return [
        `${task}: ${query}`,
        line('before', before[row]!),
        ...demoMethods.map((method, which) => line(titles[method], after[which]![row]!)),
      ].join('\n');
    }),
  );
  const title =
    'For some tasks the first test prompt the base got wrong: score and answer, before and at the end';
  return [title, ...parts].join('\n\n');
}
