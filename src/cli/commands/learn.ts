/** `lifealign learn`: one more task for a long-term memory, committed if the gate lets it pass. */
import type { Command } from 'commander';
import type { LearnOutcome, LearnPlan, LearnRequest } from '../../learn/learn.ts';
import { UserError } from '../../support/errors.ts';
import { streamProgress } from '../../support/progress.ts';
import { conflictRecord } from '../conflict-record.ts';
import { ENGINE_HELP } from '../engine-flag.ts';
import { interruptible, stopWithInput } from '../interrupt.ts';
import { print, printJson, say, type WriterFlags, withMemory } from '../memory-command.ts';
import { append } from '../repeatable.ts';

interface LearnFlags extends WriterFlags {
  readonly task: string;
  readonly data: string;
  readonly test?: string;
  readonly set: readonly string[];
  readonly invalidRows?: string;
  readonly private?: true;
  readonly restart?: true;
  readonly dryRun?: true;
  readonly stopWithInput?: true;
  readonly json?: true;
  readonly engine?: string;
  readonly threads?: string;
}

export function registerLearn(program: Command): void {
  program
    .command('learn')
    .description('append a task to a long-term memory: train, consolidate, measure, commit or refuse')
    .requiredOption('--task <name>', 'what the task is called from now on')
    .requiredOption(
      '--data <file>',
      'preference rows, split once into what is trained on, judged on and reported on',
    )
    .option('--memory <folder>', "the memory's folder", 'memory')
    .option('--test <file>', 'rows to report on, instead of a part of the data')
    .option(
      '--set <key=value>',
      "change one key of the memory's learn settings for this task, e.g. stages.sft.epochs=1; repeatable",
      append,
      [],
    )
    .option('--invalid-rows <policy>', 'error or skip; the same as --set invalid_rows=...')
    .option('--private', "the rows' texts are shown nowhere")
    .option('--restart', 'begin anew what an earlier call of the same task has begun')
    .option('--dry-run', 'check everything and tell what would be done; writes and trains nothing')
    .option('--json', 'the result as a JSON object')
    .option(
      '--stop-with-input',
      'stop, as by Ctrl-C, when standard input ends: with the program that holds it',
    )
    .option('--wait <seconds>', 'how long to wait for another process that is at work there', '0')
    .option('--engine <engine>', ENGINE_HELP)
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .action(learn);
}

async function learn(flags: LearnFlags): Promise<void> {
  if (flags.stopWithInput) stopWithInput(process.stdin);
  const { MemoryStore } = await import('../../memory/store/store.ts');
  if (flags.dryRun) return dryRun(await MemoryStore.open(flags.memory), flags);
  const { learnTask } = await import('../../learn/learn.ts');
  const { learnTable } = await import('../learn-table.ts');
  const interruption = {
    reason: 'interrupted before anything was trained',
    notice: 'stopping after this micro-batch (once more to stop at once); the same command goes on later',
  };
  await withMemory(flags, async (writer) => {
    const outcome = await withBase(writer.store, flags, (request, environment) =>
      interruptible(interruption, (signal) => learnTask(writer, request, { ...environment, signal })),
    );
    if (flags.json) printJson(record(outcome));
    else print(learnTable(outcome));
    if (!outcome.committed) throw refused(outcome);
  });
}

type Store = import('../../memory/store/store.ts').MemoryStore;
type Environment = import('../../learn/learn.ts').LearnEnvironment;

/** The memory's settings with those of the command, and its base, open for as long as `work` takes. */
async function withBase<T>(
  store: Store,
  flags: LearnFlags,
  work: (request: LearnRequest, environment: Environment) => Promise<T>,
): Promise<T> {
  const { learnSettings } = await import('../../learn/config.ts');
  const { checkFiles } = await import('../../learn/learn.ts');
  const { openMemoryBase } = await import('../memory-base.ts');
  const { modelSides } = await import('../../train/model-environment.ts');
  const config = await store.config();
  const policy = flags.invalidRows === undefined ? [] : [`invalid_rows=${flags.invalidRows}`];
  const origin = { file: store.layout.config, folder: store.folder };
  const settings = await learnSettings(config.learn, config, [...flags.set, ...policy], origin);
  const progress = streamProgress(process.stderr);
  const { task, data, test = null, restart = false, threads, engine } = flags;
  const files = { task, data, test, private: flags.private === true };
  await checkFiles(store, files);
  // In another precision nothing is learned: `planTask` looks.
  const { model, hashes } = await openMemoryBase(store, { threads, engine, progress, versions: [] });
  try {
    const { base, lora, seed } = config;
    const request: LearnRequest = {
      ...{ ...files, restart },
      ...{ basis: { base, lora, seed }, settings, hashes },
      embeddingSource: { tokenizer: model.text.tokenizer, embeddings: model.embeddings },
    };
    return await work(request, { ...modelSides(model), progress, log: say });
  } finally {
    await model.engine.close();
  }
}

async function dryRun(store: Store, flags: LearnFlags): Promise<void> {
  const { planTask } = await import('../../learn/learn.ts');
  const plan = await withBase(store, flags, (request, environment) => planTask(store, request, environment));
  const planned = planRecord(plan);
  if (flags.json) printJson(planned);
  else print(planText(planned));
}

function planRecord({ head, added: { task, rows }, earlier, contradictions }: LearnPlan) {
  const count = (part: keyof typeof rows) => rows[part].rows.length;
  return {
    task,
    onto: head.number,
    rows: { train: count('train'), gate: count('gate'), report: count('report') },
    earlier: earlier.map(({ name, gate, report }) => ({
      task: name,
      gate: gate?.rows.length ?? 0,
      report: report?.rows.length ?? 0,
    })),
    conflicts: contradictions.conflicts.map(conflictRecord),
  };
}

function planText({ task, onto, rows, earlier }: ReturnType<typeof planRecord>): string {
  const guarded = earlier.map(({ task: name, gate }) => `${name} (${gate})`).join(', ');
  return [
    `task ${task}, onto version ${onto}: ${rows.train} rows to train on, ${rows.gate} for the gate, ${rows.report} to report on`,
    earlier.length === 0 ? 'no earlier tasks' : `earlier tasks, with gate rows: ${guarded}`,
    'nothing was written (--dry-run)',
  ].join('\n');
}

function record({ task, committed, version, rows, metrics, conflicts }: LearnOutcome) {
  const { number, hash: commit } = version;
  const found = conflicts.map(conflictRecord);
  return { task, committed, version: number, commit, rows, ...metrics, conflicts: found };
}

function refused({ task, version, metrics }: LearnOutcome): UserError {
  const { limits, searched } = metrics.gate;
  const broken = limits.filter((limit) => limit.broken).length;
  const also = searched.length > 0 ? `, and none of ${searched.length} other settings keeps all` : '';
  const problem = `it breaks ${broken === 1 ? 'a limit' : `${broken} limits`}${also}`;
  return new UserError(`task ${task} is refused: ${problem}; kept aside as version ${version.number}`, {
    exitCode: 3,
  });
}
