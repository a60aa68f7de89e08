/**
 * The tasks' rows as they are scored, all read and checked before anything is generated. Of a private task's
 * rows messages say where something is wrong, never what stands there.
 */
import { readPreferenceRows } from '../../data/read-rows.ts';
import { findRuleJudge } from '../../eval/judges/index.ts';
import type { RuleJudge } from '../../eval/judges/judge.ts';
import type { TextSide } from '../environment.ts';
import { checkJudge, encodeTaskRows, type TaskRows, untoldOf, withoutTelling } from '../task-rows.ts';
import type { EvaluationTask } from './tasks.ts';

export interface LoadedTask extends Omit<EvaluationTask, 'judge' | 'test'> {
  readonly judge: RuleJudge | null;
  readonly test: TaskRows;
}

export interface LoadOptions {
  /** The most tokens of prompt and longer response; what the base has positions for holds if it is less. */
  readonly maxLength: number;
  readonly invalidRows: 'error' | 'skip';
  readonly log: (line: string) => void;
}

/** @throws {UserError} for a file or row that cannot be used, naming file, row and field. */
export async function loadTask(
  task: EvaluationTask,
  text: TextSide,
  options: LoadOptions,
): Promise<LoadedTask> {
  const judge = task.judge === null ? null : findRuleJudge(task.judge);
  return withoutTelling(task.private, async () => {
    const source = await readPreferenceRows(task.test, options);
    const test = encodeTaskRows(source, {
      ...options,
      ...untoldOf(task.private),
      text,
      limit: task.test_rows,
      use: 'scored',
    });
    if (judge) checkJudge(judge, test);
    return { ...task, judge, test };
  });
}
