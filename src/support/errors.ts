/**
 * Errors a user can do something about. The command line prints the message alone, without a stack
 * trace, and leaves with the exit code; every other error is a defect of ours and keeps its stack.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  /** 2: bad usage, config or data; 1: anything else that is not a defect; 3: refused by a gate. */
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? 2;
  }
}

/** Where in a data file something is wrong; rows count from 1. */
export interface DataLocation {
  readonly file: string;
  readonly row?: number;
  readonly line?: number;
  readonly field?: string;
}

/** A `UserError` whose message names file, row, field and what was expected there. */
export class DataError extends UserError {
  override readonly name = 'DataError';
  readonly location: DataLocation;

  constructor(location: DataLocation, problem: string, options: ErrorOptions = {}) {
    const parts = [location.file];
    if (location.line !== undefined) parts.push(`line ${location.line}`);
    if (location.row !== undefined) parts.push(`row ${location.row}`);
    if (location.field !== undefined) parts.push(`field "${location.field}"`);
    super(`${parts.join(', ')}: ${problem}`, options);
    this.location = location;
  }
}

/** The work was stopped on purpose (Ctrl-C); what was saved can be resumed. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
