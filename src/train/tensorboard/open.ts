/**
 * Begins a run's event files, or goes on with them from its state. After step-log.ts, which has cut steps.jsonl to
 * what belongs to that state.
 */
import { join } from 'node:path';
import { parseJson, readTextFile } from '../../support/json.ts';
import type { RunState } from '../state.ts';
import type { StepRecord } from '../step-log.ts';
import { TensorBoardLog } from './log.ts';
import { stepScalars } from './scalars.ts';

/**
 * @param outputFolder the run's; the files go into its folder `tensorboard`
 * @param tasks names in the stream's order
 * @throws {UserError} naming the file that cannot be read or written.
 */
export async function openTensorBoard(
  outputFolder: string,
  tasks: readonly string[],
  { steps, phase }: Pick<RunState, 'steps' | 'phase'>,
): Promise<TensorBoardLog> {
  const folder = join(outputFolder, 'tensorboard');
  if (phase !== 'evaluate') return TensorBoardLog.open(folder, { startStep: steps });
  // The task's scores, which a killed run may have logged already, share the step of the task's last training step:
  // both are dropped, and come anew.
  const last = await lastRecord(join(outputFolder, 'steps.jsonl'));
  const log = TensorBoardLog.open(folder, { startStep: steps - 1 });
  if (last) log.scalars(steps, stepScalars(last, tasks.indexOf(last.task)));
  return log;
}

async function lastRecord(file: string): Promise<StepRecord | null> {
  const lines = (await readTextFile(file)).trimEnd().split('\n');
  const last = lines.at(-1)!;
  return last === '' ? null : (parseJson(last, file, lines.length) as StepRecord);
}
