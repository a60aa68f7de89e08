/**
 * How the work grows: a token by the length of its pair, a task by its place in a stream, consolidation with a large
 * model's adapter and a long history, the part of a step that is not the engine's, and a second thread.
 *
 *     npm run bench:scaling -- [--short] [--record] [--parts lengths,stream,consolidation,overhead,threads]
 *
 * `--lengths`, `--tasks`, `--stages`, `--layers`, `--repeats`, `--pairs` and `--threads` change the sizes below; `--data` names the
 * benchmark's folder, whose rows are used.
 */
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { loadTextModel, openModel, UserError } from '../../src/index.ts';
import { publish, readSizedFlags, runCommand } from '../shared/command.ts';
import { type Comparison, compare } from '../shared/comparison.ts';
import { describeMachine, machineLine, warnIfBusy } from '../shared/machine.ts';
import { firstPairs } from '../shared/pairs.ts';
import { spread, table } from '../shared/summary.ts';
import { type ConsolidationCost, EIGHT_BILLION, measureConsolidation } from './consolidation.ts';
import { measureLengths, PASSES } from './lengths.ts';
import { measureOverhead } from './overhead.ts';
import { measureStream } from './stream.ts';
import { measureThreads } from './threads.ts';

const MODEL = 'smollm2-135m-instruct';
const SET = 'hh-rlhf-helpful-base';
/** What the project promises: seconds of consolidation, and per cent of a step outside the engine. */
const PROMISED = { consolidation: 2, overhead: 3 } as const;
/** Tasks at each end of a stream that are held against each other, at most. */
const MOST_COMPARED = 10;

/** What one part found. */
interface Part {
  readonly markdown: string;
  readonly comparisons: readonly Comparison[];
  readonly numbers: object;
}

interface Settings {
  readonly lengths: readonly number[];
  readonly tasks: number;
  readonly stages: number;
  readonly layers: number;
  readonly repeats: number;
  readonly pairs: number;
  readonly threads: number;
  readonly data: string;
}

const parts: Readonly<Record<string, (settings: Settings) => Promise<Part>>> = {
  lengths: lengthsPart,
  stream: streamPart,
  consolidation: consolidationPart,
  overhead: overheadPart,
  threads: threadsPart,
};

async function main(): Promise<void> {
  const all = Object.keys(parts).join(',');
  const { sizes, threads, data, form, record } = readSizedFlags({
    parts: { full: all, short: all },
    lengths: { full: '64,128,256,512,1024,2048', short: '64,256' },
    tasks: { full: '50', short: '8' },
    stages: { full: '50', short: '4' },
    layers: { full: String(EIGHT_BILLION.layers), short: '2' },
    repeats: { full: '3', short: '1' },
    pairs: { full: '48', short: '8' },
  });
  const settings: Settings = {
    lengths: sizes.lengths.split(',').map((text) => wholeNumber('--lengths', text, 8, 8192)),
    tasks: wholeNumber('--tasks', sizes.tasks, 4, 1000),
    stages: wholeNumber('--stages', sizes.stages, 0, 1000),
    layers: wholeNumber('--layers', sizes.layers, 1, EIGHT_BILLION.layers),
    repeats: wholeNumber('--repeats', sizes.repeats, 1, 100),
    pairs: wholeNumber('--pairs', sizes.pairs, 8, 10_000),
    ...{ threads, data },
  };
  const names = sizes.parts.split(',');
  const unknown = names.find((name) => !Object.hasOwn(parts, name));
  if (unknown !== undefined) throw new UserError(`--parts ${unknown}: expected some of ${all}`);
  const machine = describeMachine();
  warnIfBusy(machine);
  const found: (Part & { readonly name: string })[] = [];
  for (const name of names) found.push({ name, ...(await parts[name]!(settings)) });
  const markdown = [
    '# How the work grows',
    `${machineLine(machine)}. ${threads} threads where nothing else is said.`,
    ...found.map((part) => part.markdown),
    '',
  ].join('\n\n');
  const numbers = { settings, ...Object.fromEntries(found.map((part) => [part.name, part.numbers])) };
  const comparisons = found.flatMap((part) => part.comparisons);
  await publish('scaling', machine, { markdown, numbers, comparisons, versions: {}, form, record });
}

async function lengthsPart({ lengths, threads }: Settings): Promise<Part> {
  const costs = await measureLengths(MODEL, lengths, threads);
  const [shortest, longest] = [lengths[0]!, lengths.at(-1)!];
  const rows = lengths.map((length, at) => [
    String(length),
    ...PASSES.flatMap((pass) => {
      const { attention, rest } = costs[pass][at]!;
      return [rest.toFixed(3), attention.toFixed(3)];
    }),
  ]);
  return {
    markdown: [
      '## A token by the length of its pair',
      `Milliseconds of the runtime a token of a pair of so many in all, half of them prompt; ${MODEL}, LoRA r 8 on q ` +
        'and v; in one lane, with cheap activations computed again at every length.',
      table(['tokens', 'gradient', 'its attention', 'score', 'its attention'], rows).trimEnd(),
    ].join('\n\n'),
    comparisons: PASSES.map((pass) =>
      compare({
        name: `${pass}: a token apart from attention, ${longest} tokens`,
        ...{ against: `${shortest} tokens`, unit: 'ms', better: 'less' },
        ...{ ours: [costs[pass].at(-1)!.rest], peer: costs[pass][0]!.rest },
      }),
    ),
    numbers: costs,
  };
}

async function streamPart({ tasks }: Settings): Promise<Part> {
  const cost = await measureStream(tasks);
  const count = Math.min(MOST_COMPARED, Math.floor(cost.training.length / 2));
  const [first, last] = [cost.training.slice(0, count), cost.training.slice(-count)];
  const milliseconds = (values: readonly number[]) => `${(1000 * spread(values).median).toFixed(0)} ms`;
  return {
    markdown: [
      `## A stream of ${tasks} tasks`,
      'LifeAlign on models/tiny, 16 rows a task, a replay buffer of 8, one thread; a task from the end of the last ' +
        `one's testing to the beginning of its own, with training, consolidation against all stages before it and ` +
        `what is stored. Median of tasks 2 to ${count + 1}: ${milliseconds(first)}; of the last ${count}: ` +
        `${milliseconds(last)}. The whole run took ${cost.seconds.toFixed(0)} s: each task is tested on all before it.`,
    ].join('\n\n'),
    comparisons: [
      compare({
        ...{ name: `the last of ${tasks} tasks`, against: 'the first', unit: 's', better: 'less' },
        ...{ ours: last, peer: first },
      }),
    ],
    numbers: cost,
  };
}

async function consolidationPart({ stages, layers }: Settings): Promise<Part> {
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const costs = measureConsolidation(stages, layers, log);
  const { rank, layers: all } = EIGHT_BILLION;
  // Of a part of the layers the cost of all is known: they are alike, and each by itself.
  const seconds = ({ read, grown }: ConsolidationCost) =>
    [read, grown].map((value) => (value * all) / layers);
  return {
    markdown: [
      '## Consolidation for an 8 B model',
      `One consolidation of a whole adapter: r ${rank}, ${all} layers of q (4,096 x 4,096) and v (1,024 x 4,096), ` +
        `${stages} stages of history${layers < all ? `; from ${layers} of the layers` : ''}; promised are ` +
        `${PROMISED.consolidation} s.`,
      table(
        ['space', 'history just read, s', 'history known, s'],
        costs.map((cost) => [cost.space, ...seconds(cost).map((value) => value.toFixed(1))]),
      ).trimEnd(),
    ].join('\n\n'),
    comparisons: costs.map((cost) =>
      compare({
        ...{ name: `consolidation, 8 B, ${stages} stages, ${cost.space}`, against: 'promised' },
        ...{ unit: 's', better: 'less', ours: [seconds(cost)[1]!], peer: PROMISED.consolidation },
      }),
    ),
    numbers: { layers, costs },
  };
}

async function overheadPart({ pairs, threads, data }: Settings): Promise<Part> {
  const cost = await measureOverhead(MODEL, {
    set: SET,
    data,
    rows: pairs,
    batchSize: Math.floor(pairs / 4),
    threads,
  });
  const share = (100 * cost.otherSeconds) / (cost.otherSeconds + cost.engineSeconds);
  return {
    markdown: [
      '## The rest of a training step',
      `LifeAlign over ${pairs} pairs of ${SET} with ${MODEL}: of ${cost.steps} steps ${share.toFixed(2)} % is none of ` +
        `the engine's (optimizer, method, rows, logs, checkpoints). Promised are ${PROMISED.overhead} %: ` +
        `${share <= PROMISED.overhead ? 'kept' : 'NOT kept'}.`,
    ].join('\n\n'),
    comparisons: [
      compare({
        ...{ name: 'share of a step outside the engine', against: 'promised', unit: '%', better: 'less' },
        ...{ ours: [share], peer: PROMISED.overhead },
      }),
    ],
    numbers: cost,
  };
}

async function threadsPart({ pairs: count, repeats, data }: Settings): Promise<Part> {
  const model = await openModel(MODEL);
  const text = await loadTextModel(model.path, model.config.vocabularySize);
  const pairs = await firstPairs({ model, text, set: SET, data, count: Math.min(count, 16) });
  const rows = pairs.map(({ ids: { prompt, chosen, rejected } }) => {
    return { prompt: [...prompt], chosen: [...chosen], rejected: [...rejected] };
  });
  const comparisons = await measureThreads(model.path, rows, repeats);
  return {
    markdown: [
      '## A second thread',
      `An effective batch of ${rows.length} pairs of ${SET}, ${MODEL}, tokens per second, a shared prompt twice.`,
      table(
        ['', 'tokens/s', 'with one thread', 'times as fast'],
        comparisons.map(({ name, ours, peer, ratio }) => [
          ...[name, ours.toFixed(0), peer.toFixed(0), ratio.toFixed(2)],
        ]),
      ).trimEnd(),
    ].join('\n\n'),
    comparisons,
    numbers: { pairs: rows.length },
  };
}

await runCommand(main);
