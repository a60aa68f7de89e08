/** Runs a program of commands, and decides what an error prints and which exit code it gives. */
import { type Command, CommanderError, Help, type Option } from 'commander';
import { Interrupted, UserError } from '../support/errors.ts';

const EXIT = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Parses `args` and runs the command they name. Returns the exit code: 0 done; 2 bad usage; a
 * `UserError`'s own; 1 when interrupted and, with a stack trace, for a defect.
 */
export async function runProgram(
  program: Command,
  commands: readonly ((program: Command) => void)[],
  args: readonly string[],
): Promise<number> {
  // Before the commands are added: they inherit these settings.
  program
    .exitOverride()
    .showHelpAfterError('(add --help for usage)')
    .configureHelp({ optionDescription })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'lifealign: ')) });
  for (const register of commands) register(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.done;
  } catch (error) {
    return report(error);
  }
}

/** A default of nothing, for flags that may be repeated or left out, is no news. */
function optionDescription(option: Option): string {
  const { defaultValue: value, description } = option;
  const isNothing = value === '' || (Array.isArray(value) && value.length === 0);
  return isNothing ? description : new Help().optionDescription(option);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof UserError) {
    process.stderr.write(`lifealign: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof Interrupted) {
    process.stderr.write(`lifealign: ${error.message || 'interrupted'}\n`);
    return EXIT.failed;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`lifealign: unexpected error, a defect in lifealign\n${text}\n`);
  if (error instanceof Error && error.cause !== undefined) {
    process.stderr.write(`caused by: ${error.cause instanceof Error ? error.cause.stack : error.cause}\n`);
  }
  return EXIT.failed;
}
