/** A run's folder as the source of an evaluation: its base, its tasks, and an adapter it has finished. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import type { Engine } from '../../engine/engine.ts';
import { enginePrecision } from '../../engine/settings.ts';
import { DataError, UserError } from '../../support/errors.ts';
import { readTextFile } from '../../support/json.ts';
import { PROVENANCE_KEY, readRunConfig } from '../config/resolve.ts';
import type { RunConfig } from '../config/schema.ts';
import type { TextSide } from '../environment.ts';
import { checkedTasks, type EvaluationTask } from './tasks.ts';

const hashes = z.object({
  base: z.string(),
  tokenizer: z.string(),
  template: z.string(),
  general: z.string().nullish(),
  tasks: z.array(z.object({ test: z.string() })),
});

export interface FinishedRun {
  readonly folder: string;
  readonly config: RunConfig;
  /** Of what the run was trained on and tested with. */
  readonly hashes: z.output<typeof hashes>;
  readonly tasks: readonly EvaluationTask[];
  readonly adapterFolder: string;
}

/**
 * @param after the task, from 1, whose adapter is wanted; left out: the last one's
 * @throws {UserError} for a folder without a run's record, or a task that is not finished.
 */
export async function openFinishedRun(folder: string, after?: number): Promise<FinishedRun> {
  const file = join(folder, 'config.yaml');
  if (!existsSync(file)) throw new UserError(`${folder}: holds no run: there is no config.yaml`);
  // What the run started from may be gone, and plays no part any more.
  const config = await readRunConfig(file, ['adapter=null', 'reference=base']);
  const { tasks } = config;
  const number = after ?? tasks.length;
  const name = tasks[number - 1]?.name;
  if (name === undefined)
    throw new UserError(`--after ${number}: the run has the tasks 1 to ${tasks.length}`);
  const adapterFolder = join(folder, 'tasks', `${number}-${name}`, 'adapter');
  if (!existsSync(adapterFolder)) {
    const advice = number > 1 ? '; choose a finished task with --after' : '';
    throw new UserError(`${folder}: the run has not finished task ${number} (${name})${advice}`);
  }
  return {
    folder,
    config,
    hashes: await recordedHashes(file),
    tasks: checkedTasks({ tasks: tasks.map(tested) }, file, folder),
    adapterFolder,
  };
}

/** A run's task without what only training reads. */
function tested({ train: _, train_rows: __, ...task }: RunConfig['tasks'][number]) {
  return task;
}

async function recordedHashes(file: string): Promise<FinishedRun['hashes']> {
  const parsed = hashes.safeParse(parse(await readTextFile(file))?.[PROVENANCE_KEY]?.hashes);
  if (parsed.success) return parsed.data;
  throw new DataError({ file, field: PROVENANCE_KEY }, 'not what a run records there');
}

/** @throws {UserError} if the base that was opened is not the one the run was trained on, in the same precision. */
export function checkRunBase(
  run: FinishedRun,
  engine: Pick<Engine, 'identity' | 'precision'>,
  text: TextSide,
): void {
  const trainedIn = enginePrecision(run.config.engine);
  if (engine.precision !== trainedIn) {
    throw new UserError(
      `${run.folder}: the run was trained over a base in ${trainedIn}, and this one is in ${engine.precision}; ` +
        'leave out --engine, or evaluate its adapter (--model, --adapter)',
    );
  }
  const now = { base: engine.identity, ...text.identity };
  for (const part of ['base', 'tokenizer', 'template'] as const) {
    if (now[part] === run.hashes[part]) continue;
    const what = part === 'base' ? 'base model' : `${part} of the base`;
    throw new UserError(`${run.folder}: the ${what} (${run.config.base}) has changed since the run`);
  }
}
