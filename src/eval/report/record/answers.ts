/** Answers to a task's test prompts: of the base, when the task was learned, and at the stream's end. */
import { join } from 'node:path';
import { answersFile, type ConfigFile } from './files.ts';
import { numberedName, readIfThere } from './folder.ts';

export const moments = ['base', 'learned', 'end'] as const;
export type Moment = (typeof moments)[number];

export interface Answer {
  readonly text: string;
  /** The judge's, 0 to 100; `null` for a task without one. */
  readonly score: number | null;
}

/** By the test row's position in its file; `null` for a moment that was not recorded. */
export type MomentAnswers = Readonly<Record<Moment, ReadonlyMap<number, Answer> | null>>;

/** A private task's answers are not read, whatever its files hold. */
export async function readAnswers(folder: string, config: ConfigFile, task: number): Promise<MomentAnswers> {
  if (config.tasks[task]!.private) return { base: null, learned: null, end: null };
  const of = async (moment: string) => {
    const read = (kind: string) =>
      readIfThere(answersFile, join(folder, moment, kind, `${numberedName(config, task)}.json`));
    const rows = (await read('answers')) ?? (await read('samples'));
    return (
      rows &&
      new Map(
        rows.flatMap(({ index, answer, score }): [number, Answer][] =>
          answer === undefined ? [] : [[index, { text: answer, score: score ?? null }]],
        ),
      )
    );
  };
  const after = (trained: number) => of(join('tasks', numberedName(config, trained)));
  return {
    base: await of('base'),
    learned: await after(task),
    end: await after(config.tasks.length - 1),
  };
}
