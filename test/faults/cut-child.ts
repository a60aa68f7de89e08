/** `cut-child.ts <subject> <folder> <operation> [<call> <mode>]`: the operation, cut short by SIGKILL or a full disk, or not. */
import { UserError } from '../../src/support/errors.ts';
import { type CutMode, withCut } from './cut.ts';
import { type SubjectName, subjects } from './subjects.ts';

const [name = '', folder = '.', operation = '', at, mode] = process.argv.slice(2);
const kill = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // Until the signal arrives nothing more may happen.
  for (;;);
};
const cut = at === undefined ? null : { at: Number(at), mode: mode as CutMode, kill };
const subject = await subjects[name as SubjectName]();
const { error } = await withCut(cut, () => subject.perform(folder, operation));
if (error !== undefined) {
  const isTold = error instanceof UserError;
  process.stderr.write(`${isTold ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = isTold ? error.exitCode : 70;
}
