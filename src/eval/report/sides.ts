/** Which answers a report puts side by side, and what was asked. */
import type { Message, PreferenceRow } from '../../data/row.ts';
import { type Answer, type Moment, moments } from './record/answers.ts';
import { readTestRows } from './record/prompts.ts';
import type { RunRecord } from './record/run.ts';

export interface SideBySideRow {
  /** In its file, from 0. */
  readonly index: number;
  /** `null` where the test file cannot be used. */
  readonly asked: { readonly prompt: readonly Message[]; readonly reference: string } | null;
  /** By run, in the report's order; `null` where a moment has no answer. */
  readonly answers: readonly Readonly<Record<Moment, Answer | null>>[];
}

export interface TaskAnswers {
  readonly task: string;
  /** In one run at least: then no text of it is shown. */
  readonly isPrivate: boolean;
  readonly rows: readonly SideBySideRow[];
  /** Why the prompts are not shown. */
  readonly problem: string | null;
}

export interface SideBySideOptions {
  /** The most rows of a task. */
  readonly count: number;
  /** Positions in the stream. */
  readonly privateTasks: ReadonlySet<number>;
}

/** Rows of each task, those whose score changed first, in the file's order. The runs share their test rows. */
export async function answersSideBySide(
  runs: readonly RunRecord[],
  { count, privateTasks }: SideBySideOptions,
): Promise<TaskAnswers[]> {
  const [first] = runs;
  if (!first) return [];
  return Promise.all(
    first.config.tasks.map(async ({ name }, task): Promise<TaskAnswers> => {
      const isPrivate = privateTasks.has(task);
      if (isPrivate) return { task: name, isPrivate, rows: [], problem: null };
      const chosen = chosenRows(runs, task, count);
      if (chosen.length === 0) return { task: name, isPrivate, rows: [], problem: null };
      const { rows, problem } = await readTestRows(first.config, task);
      return {
        task: name,
        isPrivate,
        rows: chosen.map((index) => ({
          index,
          asked: asked(rows.get(index)),
          answers: answersTo(runs, task, index),
        })),
        problem,
      };
    }),
  );
}

/** Tasks that any of the runs marks as private. */
export function privateTasksOf(runs: readonly RunRecord[]): ReadonlySet<number> {
  return new Set(
    runs.flatMap(({ config }) => config.tasks.flatMap((task, at) => (task.private ? [at] : []))),
  );
}

/** Positions of rows, ascending. */
function chosenRows(runs: readonly RunRecord[], task: number, count: number): number[] {
  const answered = runs.flatMap(({ answers }) =>
    moments.flatMap((moment) => [...(answers[task]![moment]?.keys() ?? [])]),
  );
  const indices = [...new Set(answered)].sort((one, other) => one - other);
  const changed = indices.filter((index) => scoreChanged(answersTo(runs, task, index)));
  const rest = indices.filter((index) => !changed.includes(index));
  return [...changed, ...rest].slice(0, count).sort((one, other) => one - other);
}

function answersTo(runs: readonly RunRecord[], task: number, index: number): SideBySideRow['answers'] {
  return runs.map(({ answers }) => {
    const at = (moment: Moment) => answers[task]![moment]?.get(index) ?? null;
    return { base: at('base'), learned: at('learned'), end: at('end') };
  });
}

function scoreChanged(answers: SideBySideRow['answers']): boolean {
  const scores = answers.flatMap((run) => moments.flatMap((moment) => run[moment]?.score ?? []));
  return new Set(scores).size > 1;
}

function asked(row: PreferenceRow | undefined): SideBySideRow['asked'] {
  return row ? { prompt: row.prompt, reference: row.chosen } : null;
}
