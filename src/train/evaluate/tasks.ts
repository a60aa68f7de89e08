/** What an evaluation is asked to measure: tasks from a YAML file, named on the command line, or of a run. */
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { resolveSource } from '../../data/builtin/source.ts';
import { rubricNames } from '../../eval/llm-judge/prompts.ts';
import { DataError } from '../../support/errors.ts';
import { configError } from '../config/messages.ts';
import { readConfigTree } from '../config/read-tree.ts';
import { runConfigSchema } from '../config/schema.ts';

const trained = runConfigSchema.shape.tasks.element.shape;

/** Keys that a run's config has too mean here what they mean there. */
const task = z.strictObject({
  name: trained.name,
  test: trained.test,
  test_rows: trained.test_rows,
  judge: trained.judge,
  /** The rubric by which a language model rates the answers; null: none does. */
  llm_judge: z.enum(rubricNames).nullable().default(null),
  /** Its rows' texts, and answers to them, are shown nowhere; they are written only where that is asked for. */
  private: z.boolean().default(false),
});

const tasksFile = z.strictObject({ tasks: z.array(task).min(1) });

/** A task with everything filled in; `test` is an absolute path or built-in rows by name. */
export type EvaluationTask = z.output<typeof task>;
export type EvaluationTaskInput = z.input<typeof task>;

/**
 * Reads `tasks:` of a YAML file. Relative paths start from its folder.
 * @throws {UserError} naming the file and the line of broken YAML, or the key that is wrong.
 */
export async function readTasksFile(file: string): Promise<EvaluationTask[]> {
  const tree = await readConfigTree(file, 'a mapping with the key tasks: a list of tasks');
  return checkedTasks(tree, file, dirname(resolve(file)));
}

/**
 * @param source names where the tasks come from, in messages
 * @param folder is what relative paths start from
 * @throws {DataError} naming the key that is wrong, or a name that two tasks have.
 */
export function checkedTasks(tree: unknown, source: string, folder: string): EvaluationTask[] {
  const parsed = tasksFile.safeParse(tree);
  if (!parsed.success) throw configError(source, tasksFile, tree, parsed.error.issues);
  const { tasks } = parsed.data;
  const names = tasks.map(({ name }) => name.toLowerCase());
  const twice = names.findIndex((name, at) => names.indexOf(name) !== at);
  if (twice !== -1) {
    const problem = `"${tasks[twice]?.name}" names an earlier task too`;
    throw new DataError({ file: source, field: `tasks.${twice}.name` }, problem);
  }
  return tasks.map((entry) => ({
    ...entry,
    test: resolveSource(folder, entry.test),
  }));
}
