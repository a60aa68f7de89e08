/** Training that left the numbers it can go on from. Whoever tries settings takes it for a result. */
import { UserError } from '../support/errors.ts';

export class Diverged extends UserError {
  constructor(problem: string) {
    super(problem, { exitCode: 1 });
  }
}
