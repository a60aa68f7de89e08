/** `lifealign memory diff`: two versions task by task, in scores and in what they answer. */
import type { Command } from 'commander';
import type { EarlierTaskRows } from '../../../learn/earlier.ts';
import type { CommitMetrics } from '../../../memory/store/records.ts';
import type { Commit, MemoryStore } from '../../../memory/store/store.ts';
import type { LoraAdapter } from '../../../model/adapter.ts';
import { relativeChange } from '../../../model/adapter-change.ts';
import { UserError } from '../../../support/errors.ts';
import { ENGINE_HELP } from '../../engine-flag.ts';
import { interruptible } from '../../interrupt.ts';
import { type MemoryFlags, memoryCommand, print, printJson, say } from '../../memory-command.ts';
import type { MeasuredMemory } from '../../memory-measuring.ts';
import { metricsTable } from '../../memory-metrics.ts';
import { wholeNumber } from '../../whole-number.ts';

interface DiffFlags extends MemoryFlags {
  readonly measure: boolean;
  readonly answers: string;
  readonly maxNewTokens: string;
  readonly engine?: string;
  readonly threads?: string;
  readonly json?: true;
}

export function registerMemoryDiff(program: Command): void {
  memoryCommand(program, 'diff')
    .description('compare two versions task by task, with answers of both to report rows')
    .argument('<from>', 'a number (0 is the root), head, head~2, or the first digits of a commit')
    .argument('<to>', 'another one')
    .option('--no-measure', 'recorded scores alone, which needs no base')
    .option('--answers <count>', 'report rows of each task that both versions answer', '2')
    .option('--max-new-tokens <count>', 'of an answer', '64')
    .option('--engine <engine>', ENGINE_HELP)
    .option('--threads <number>', 'threads of the engine (default: as many as there are cores)')
    .option('--json', 'as a JSON object')
    .action(diff);
}

interface Version {
  readonly commit: Commit;
  readonly adapter: LoraAdapter;
  readonly tasks: readonly string[];
}

async function diff(from: string, to: string, { memory, json, measure, ...flags }: DiffFlags): Promise<void> {
  const answers = wholeNumber('--answers', flags.answers, 0, 1000);
  const maxNewTokens = wholeNumber('--max-new-tokens', flags.maxNewTokens, 1, 1_000_000);
  const { MemoryStore } = await import('../../../memory/store/store.ts');
  const store = await MemoryStore.open(memory);
  const [one, other] = [await versionOf(store, from), await versionOf(store, to)];
  const measured = measure
    ? await measuredDifference(store, one, other, {
        answers,
        maxNewTokens,
        engine: flags.engine,
        threads: flags.threads,
      })
    : null;
  const difference = measured ?? { metrics: await recorded(store, one, other), answers: [] };
  const change = relativeChange(one.adapter, other.adapter);
  if (json) {
    printJson({
      memory,
      from: one.commit.number,
      to: other.commit.number,
      measured: measured !== null,
      tasks_from: one.tasks,
      tasks_to: other.tasks,
      relative_change: change,
      ...difference.metrics,
      answers: difference.answers,
    });
  } else print([...heading(one, other, change), ...body(difference, measured !== null)].join('\n'));
}

async function versionOf(store: MemoryStore, name: string): Promise<Version> {
  const commit = await store.resolve(name);
  const tasks = (await store.learned(commit)).map(({ task }) => task!);
  return { commit, adapter: await store.adapter(commit), tasks: [...new Set(tasks)] };
}

interface Difference {
  readonly metrics: Pick<CommitMetrics, 'before' | 'after'>;
  readonly answers: readonly ComparedAnswer[];
}

interface ComparedAnswer {
  readonly task: string;
  /** The row's place among the task's report rows, from 0. */
  readonly index: number;
  readonly prompt: string;
  readonly preferred: string;
  readonly before: string;
  readonly after: string;
}

/** As measured when the versions were made; of a task that one of them was not measured on, one side is missing. */
async function recorded(store: MemoryStore, one: Version, other: Version): Promise<Difference['metrics']> {
  const of = async ({ commit }: Version) => (await store.metrics(commit))?.after ?? {};
  return { before: await of(one), after: await of(other) };
}

interface MeasureFlags {
  readonly answers: number;
  readonly maxNewTokens: number;
  readonly engine: string | undefined;
  readonly threads: string | undefined;
}

/** `null` where the base is not at hand, which is said. */
async function measuredDifference(
  store: MemoryStore,
  one: Version,
  other: Version,
  { answers: count, maxNewTokens, engine, threads }: MeasureFlags,
): Promise<Difference | null> {
  const { withMeasuredMemory } = await import('../../memory-measuring.ts');
  const versions = [one.commit, other.commit];
  let isOpen = false;
  try {
    return await interruptible({ reason: 'interrupted' }, (signal) =>
      withMeasuredMemory(store, { engine, threads, signal, versions }, async (memory) => {
        isOpen = true;
        const all = [...(await memory.tasks(one.commit)), ...(await memory.tasks(other.commit))];
        const tasks = all.filter(({ name }, at) => all.findIndex((task) => task.name === name) === at);
        const metrics = await memory.compare(tasks, one.adapter, other.adapter);
        const shown = tasks.filter((task) => !task.private && task.report !== null);
        const answers: ComparedAnswer[] = [];
        for (const task of count === 0 ? [] : shown) {
          answers.push(...(await answersOf(memory, task, [one, other], { count, maxNewTokens, signal })));
        }
        return { metrics, answers };
      }),
    );
  } catch (error) {
    if (isOpen || !(error instanceof UserError)) throw error;
    say(`warning: the base is not at hand, so recorded scores are compared: ${error.message}`);
    return null;
  }
}

async function answersOf(
  { model }: MeasuredMemory,
  { name, report }: EarlierTaskRows,
  versions: readonly [Version, Version],
  { count, maxNewTokens, signal }: { count: number; maxNewTokens: number; signal: AbortSignal },
): Promise<ComparedAnswer[]> {
  const { generateText } = await import('../../../eval/generate-text.ts');
  const { engine, text, endTokens } = model;
  const prompts = report!.encoded.slice(0, count).map(({ prompt }) => prompt);
  const answered = async ({ adapter }: Version) => {
    const options = { maxNewTokens, endTokens, signal };
    return (await generateText(engine, text.tokenizer, prompts, adapter, options)).map(
      (answer) => answer.text,
    );
  };
  const [before, after] = [await answered(versions[0]), await answered(versions[1])];
  return prompts.map((_, at) => {
    const { index, prompt, chosen } = report!.rows[at]!;
    return {
      task: name,
      index,
      prompt: prompt.at(-1)?.content ?? '',
      preferred: chosen,
      before: before[at]!,
      after: after[at]!,
    };
  });
}

function heading(one: Version, other: Version, change: number): string[] {
  const [from, to] = [one.commit.number, other.commit.number];
  const without = (some: readonly string[], others: readonly string[]) =>
    some.filter((task) => !others.includes(task));
  const [gone, come] = [without(one.tasks, other.tasks), without(other.tasks, one.tasks)];
  return [
    `from version ${from} to version ${to}: the adapter's matrices change by ${(100 * change).toPrecision(3)} % of their norm`,
    ...(come.length === 0 ? [] : [`tasks that only version ${to} has learned: ${come.join(', ')}`]),
    ...(gone.length === 0 ? [] : [`tasks that only version ${from} has learned: ${gone.join(', ')}`]),
    '',
  ];
}

function body({ metrics, answers }: Difference, isMeasured: boolean): string[] {
  const shown = answers.flatMap(({ task, prompt, preferred, before, after }) => [
    '',
    `${task}: ${oneLine(prompt)}`,
    `  before     ${oneLine(before)}`,
    `  after      ${oneLine(after)}`,
    `  preferred  ${oneLine(preferred)}`,
  ]);
  const what = isMeasured ? [] : ['as recorded when the versions were made:'];
  return [...what, ...metricsTable(metrics), ...shown];
}

function oneLine(text: string): string {
  return text.trim().replaceAll('\n', ' / ');
}
