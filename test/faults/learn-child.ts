/** `learn-child.ts <folder> <operation> <call> <mode>`: `learn` on a toy memory, cut short by SIGKILL or a full disk. */
import { UserError } from '../../src/support/errors.ts';
import { type CutMode, withCut } from './cut.ts';
import { type LearnOperation, operateLearning } from './learn-operations.ts';

const [folder = '.', operation, at, mode] = process.argv.slice(2);
const kill = (): never => {
  process.kill(process.pid, 'SIGKILL');
  // Until the signal arrives nothing more may happen.
  for (;;);
};
const cut = { at: Number(at), mode: mode as CutMode, kill };
const { error } = await withCut(cut, () => operateLearning(folder, operation as LearnOperation));
if (error !== undefined) {
  process.stderr.write(`${error instanceof UserError ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = error instanceof UserError ? error.exitCode : 70;
}
