/** `lifealign evaluate`: any adapter, or a finished run's, against any set of tasks; resumable. */
import { basename, extname } from 'node:path';
import { type Command, Option } from 'commander';
import { rubricNames } from '../../eval/llm-judge/prompts.ts';
import { UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import type { FinishedRun } from '../../train/evaluate/finished-run.ts';
import type { EvaluationTask, EvaluationTaskInput } from '../../train/evaluate/tasks.ts';
import { ENGINE_HELP, engineOf } from '../engine-flag.ts';
import { addGenerationFlags, type GenerationFlags, generationSettings } from '../generation-settings.ts';
import { interruptible } from '../interrupt.ts';
import { threadsOf, wholeNumber } from '../whole-number.ts';

interface EvaluateFlags extends Omit<GenerationFlags, 'samples' | 'maxNewTokens'> {
  readonly model?: string;
  readonly adapter?: string;
  readonly run?: string;
  readonly after?: string;
  readonly tasks?: string;
  readonly data?: string;
  readonly name?: string;
  readonly judge?: string;
  readonly llmJudge?: (typeof rubricNames)[number];
  readonly outputDir: string;
  readonly resume?: true;
  readonly general?: string;
  readonly keepPrivate?: true;
  readonly maxNewTokens?: string;
  readonly maxLength?: string;
  readonly invalidRows?: string;
  readonly engine?: string;
  readonly threads?: string;
}

/** A run's own settings come before these; they are the defaults of a run's config. */
const DEFAULTS = { maxNewTokens: 1024, maxLength: 2048, invalidRows: 'error' } as const;

const GENERAL_HELP =
  'measure drift from the base, and loss, on neutral conversations: a file of {query or prompt, response}, ' +
  "builtin:neutral/general, or none (default: the run's with --run, else none)";

export function registerEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('log-prob scores, answers, text scores and judges of a model or run on a set of tasks')
    .option('--model <model>', 'a folder in Hugging Face layout, a GGUF file or a known name')
    .option('--adapter <folder>', 'an adapter on top of the model: a PEFT folder, or a prompt pool of a run')
    .option('--run <folder>', "instead of --model: a run's base, adapter, and tasks unless others are given")
    .option('--after <task>', 'with --run: the adapter as task 1, 2, ... left it (default: the last task)')
    .option('--tasks <file>', 'YAML, tasks: a list of {name, test, test_rows, judge, llm_judge, private}')
    .option('--data <file>', 'instead of --tasks: rows {query or prompt, chosen, rejected} of one task')
    .option('--name <name>', "with --data: the task's name (default: by the file's)")
    .option('--judge <name>', 'with --data: a built-in judge of its answers')
    .addOption(
      new Option(
        '--llm-judge <rubric>',
        'have a language model rate answers, see LIFEALIGN_JUDGE_MODEL',
      ).choices(rubricNames),
    )
    .requiredOption('--output-dir <folder>', '<k>-<name>/predict_results.json of each task, summary.json')
    .option('--resume', 'go on with what the folder holds, if it is the same evaluation')
    .option('--general <rows>', GENERAL_HELP)
    .option('--keep-private', "write private tasks' predict_results.json too")
    .option('--max-new-tokens <tokens>', "the most tokens of an answer (default: 1024, or the run's)")
    .option('--max-length <tokens>', "longer rows lose the prompt's beginning (default: 2048, or the run's)")
    .option(
      '--invalid-rows <policy>',
      "error: refuse; skip: list and leave out (default: error, or the run's)",
    )
    .option('--engine <engine>', `${ENGINE_HELP.slice(0, -1)}, or the run's)`)
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)');
  addGenerationFlags(command).action(evaluateCommand);
}

async function evaluateCommand(flags: EvaluateFlags): Promise<void> {
  checkSource(flags);
  const after = flags.after === undefined ? undefined : wholeNumber('--after', flags.after, 1, 1e6);
  const threads = threadsOf(flags.threads);
  const givenEngine = await engineOf(flags.engine);
  const { checkRunBase, openFinishedRun } = await import('../../train/evaluate/finished-run.ts');
  const run = flags.run === undefined ? null : await openFinishedRun(flags.run, after);
  const settings = settingsOf(flags, run);
  const general = await generalOf(flags, run);
  const own = await ownTasks(flags);
  const tasks = withRater(own ?? run!.tasks, flags.llmJudge);

  const { openBase } = await import('../base.ts');
  const { evaluate } = await import('../../train/evaluate/evaluate.ts');
  const { evaluationEnvironment } = await import('../../train/evaluate/environment.ts');
  const { openJudgeClient } = await import('../../eval/llm-judge/client.ts');
  const { evaluationTable } = await import('../evaluation-table.ts');
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const warn = (message: string) => log(`warning: ${message}`);
  const progress = streamProgress(process.stderr);
  const hasRater = tasks.some((task) => task.llm_judge !== null);
  const judgeClient = hasRater ? await openJudgeClient({ warn }) : null;

  const model = run ? run.config.base : flags.model!;
  // What a run's config means as a path is absolute.
  const prefer = run ? 'name' : 'path';
  const engine = run && flags.engine === undefined ? { engine: run.config.engine } : givenEngine;
  const base = await openBase(model, { progress, warn, prefer, ...threads, ...engine });
  try {
    const adapterFolder = run ? run.adapterFolder : (flags.adapter ?? null);
    const adapter = adapterFolder === null ? null : await base.readAdapter(adapterFolder);
    const { outputDir: outputFolder, resume = false, keepPrivate = false } = flags;
    const given = { outputFolder, resume, progress, log };
    const environment = evaluationEnvironment(base, given);
    if (run) checkRunBase(run, base.engine, environment.text);
    const expected = run && !own ? { expectedRows: run.hashes.tasks.map(({ test }) => test) } : {};
    const neutralHash = flags.general === undefined ? run?.hashes.general : null;
    const wanted = {
      model,
      adapter,
      adapterFolder,
      tasks,
      general,
      ...(neutralHash ? { expectedNeutral: neutralHash } : {}),
      ...settings,
      ...expected,
      keepPrivate,
      judgeClient,
    };
    const interruption = {
      reason: 'interrupted; what is finished is kept: continue with --resume',
      notice: 'stopping (once more to stop at once); continue later with --resume',
    };
    const summary = await interruptible(interruption, (signal) =>
      evaluate(wanted, { ...environment, signal }),
    );
    log(evaluationTable(summary));
    log(`results are in ${outputFolder}`);
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
  } finally {
    await base.engine.close();
  }
}

/** @throws {UserError} unless there is one model and one set of tasks, and no flag without effect. */
function checkSource(flags: EvaluateFlags): void {
  const { model, run, adapter, after, tasks, data, name, judge, general } = flags;
  if ((model === undefined) === (run === undefined)) throw new UserError('expected either --model or --run');
  if (run !== undefined && adapter !== undefined) {
    throw new UserError('--adapter: goes with --model; of a --run, --after chooses the adapter');
  }
  if (run === undefined && after !== undefined) throw new UserError('--after: goes with --run');
  if (tasks !== undefined && data !== undefined) throw new UserError('expected either --tasks or --data');
  if (run === undefined && tasks === undefined && data === undefined) {
    throw new UserError('expected --tasks or --data: what to evaluate on');
  }
  if (general !== undefined && general !== 'none' && run === undefined && adapter === undefined) {
    throw new UserError('--general: goes with --adapter or --run: the base has not drifted from itself');
  }
  for (const [flag, value] of Object.entries({ '--name': name, '--judge': judge })) {
    if (value !== undefined && data === undefined) throw new UserError(`${flag}: goes with --data`);
  }
}

function settingsOf(flags: EvaluateFlags, run: FinishedRun | null) {
  const most = flags.maxNewTokens ?? String(run?.config.generation.max_new_tokens ?? DEFAULTS.maxNewTokens);
  const { samples: _, ...generation } = generationSettings({ ...flags, maxNewTokens: most, samples: '1' });
  const invalidRows = flags.invalidRows ?? run?.config.invalid_rows ?? DEFAULTS.invalidRows;
  if (invalidRows !== 'error' && invalidRows !== 'skip') {
    throw new UserError(`--invalid-rows: expected error or skip, got "${invalidRows}"`);
  }
  const longest = flags.maxLength ?? String(run?.config.max_length ?? DEFAULTS.maxLength);
  return {
    generation,
    invalidRows,
    maxLength: wholeNumber('--max-length', longest, 2, 999_999_999),
  } as const;
}

async function generalOf({ general: rows }: EvaluateFlags, run: FinishedRun | null) {
  if (rows === undefined) return run?.config.general ?? null;
  if (rows === 'none') return null;
  const { generalSchema } = await import('../../train/config/schema.ts');
  const { resolveSource } = await import('../../data/builtin/source.ts');
  return generalSchema.parse({ rows: resolveSource(process.cwd(), rows) });
}

/** The tasks of the command line; undefined where it leaves them to the run. */
async function ownTasks({ tasks, data, name, judge }: EvaluateFlags): Promise<EvaluationTask[] | undefined> {
  const { checkedTasks, readTasksFile } = await import('../../train/evaluate/tasks.ts');
  if (tasks !== undefined) return readTasksFile(tasks);
  if (data === undefined) return undefined;
  // `builtin:facts/test` is named by its task, a file by its own name.
  const builtin = /^builtin:([^/?]+)/.exec(data)?.[1];
  const given = name ?? builtin ?? basename(data, extname(data)).replace(/[^A-Za-z0-9._-]+/g, '-');
  const entry = { name: given, test: data, judge: (judge ?? null) as EvaluationTaskInput['judge'] };
  try {
    return checkedTasks({ tasks: [entry] }, 'command line', process.cwd());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.message.replace(/^command line, field "tasks\.0\.(\w+)"/, '--$1'));
  }
}

/** @throws {UserError} where a private task's texts would be sent away without its file saying so. */
function withRater(
  tasks: readonly EvaluationTask[],
  rubric: EvaluateFlags['llmJudge'],
): readonly EvaluationTask[] {
  if (rubric === undefined) return tasks;
  return tasks.map((task) => {
    if (task.private && task.llm_judge === null) {
      const problem = `the task ${task.name} is private, and its texts would be sent to the judge`;
      throw new UserError(`--llm-judge: ${problem}; if they may be, set its llm_judge in the tasks file`);
    }
    return { ...task, llm_judge: task.llm_judge ?? rubric };
  });
}
