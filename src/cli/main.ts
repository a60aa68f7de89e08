/**
 * The command line's entry: the list of commands, one file each under commands/.
 *
 * A command file exports `registerX(program)`, which declares the command's arguments and options and
 * an action that returns a promise. What is heavy to load (engines, tokenizers) is imported inside the
 * action, so that `--help` and `--version` stay quick. Results go to standard output, everything else
 * to standard error; errors are thrown (see run.ts for their exit codes).
 */
import { Command } from 'commander';
import { version } from '../support/version.ts';
import { registerBench } from './commands/bench.ts';
import { registerCompare } from './commands/compare.ts';
import { registerConsolidate } from './commands/consolidate.ts';
import { registerDataCheck } from './commands/data-check.ts';
import { registerDataConflicts } from './commands/data-conflicts.ts';
import { registerDataConvert } from './commands/data-convert.ts';
import { registerDataImport } from './commands/data-import.ts';
import { registerDemo } from './commands/demo.ts';
import { registerEngine } from './commands/engine.ts';
import { registerEvaluate } from './commands/evaluate.ts';
import { registerExport } from './commands/export.ts';
import { registerFeedbackImport } from './commands/feedback-import.ts';
import { registerGenerate } from './commands/generate.ts';
import { registerKeys } from './commands/keys.ts';
import { registerLearn } from './commands/learn.ts';
import { registerMemory } from './commands/memory/index.ts';
import { registerMetrics } from './commands/metrics.ts';
import { registerModels } from './commands/models.ts';
import { registerProfile } from './commands/profile.ts';
import { registerReport } from './commands/report.ts';
import { registerScore } from './commands/score.ts';
import { registerServe } from './commands/serve.ts';
import { registerTrain } from './commands/train.ts';
import { runProgram } from './run.ts';

const COMMANDS: readonly ((program: Command) => void)[] = [
  registerModels,
  registerDataCheck,
  registerDataConvert,
  registerDataImport,
  registerDataConflicts,
  registerScore,
  registerGenerate,
  registerTrain,
  registerLearn,
  registerConsolidate,
  registerMemory,
  registerExport,
  registerEvaluate,
  registerMetrics,
  registerCompare,
  registerReport,
  registerProfile,
  registerServe,
  registerKeys,
  registerFeedbackImport,
  registerEngine,
  registerDemo,
  registerBench,
];

/** Runs the command line and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  process.stdout.off('error', endQuietlyOnClosedPipe).on('error', endQuietlyOnClosedPipe);
  const program = new Command('lifealign')
    .description('Lifelong preference alignment of large language models.')
    .version(version);
  return runProgram(program, COMMANDS, args);
}

/** `lifealign ... | head` closes our output early; that is the reader's choice, not an error. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}
