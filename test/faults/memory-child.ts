/** `memory-child.ts <folder> <operation> [<call> <mode>]`: an operation on a memory, cut short by SIGKILL or a full disk. */
import { UserError } from '../../src/support/errors.ts';
import { type CutMode, withCut } from './cut.ts';
import { type MemoryOperation, operate } from './memory-operations.ts';

const [folder = '.', operation, at, mode] = process.argv.slice(2);
const kill = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // Until the signal arrives nothing more may happen.
  for (;;);
};
const cut = at === undefined ? null : { at: Number(at), mode: mode as CutMode, kill };
const { error } = await withCut(cut, () => operate(folder, operation as MemoryOperation));
if (error !== undefined) {
  process.stderr.write(`${error instanceof UserError ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = error instanceof UserError ? error.exitCode : 70;
}
