/** A bench's tables, with what was not run said, and the paper's own numbers beside ours. */
import { learnedAlone, scoreTitles } from '../../eval/comparison/index.ts';
import { aloneTable } from '../../eval/report/tables/scores.ts';
import { type Cell, type Column, plain, present, type Table } from '../../eval/report/tables/table.ts';
import { paperAblation, paperBest, paperMethods } from '../paper.ts';
import type { BenchResults } from './gather.ts';
import { taskGains } from './learned.ts';
import type { Line } from './lines.ts';
import type { BenchRun, TableScore } from './run.ts';

const NOT_RUN = 'not run';

const SCALE_NOTE =
  'The paper’s columns are its own numbers, of Qwen2.5-7B and other scores: which method is ahead can be compared, not by how much.';

/** In the order in which the report shows them. */
export function benchTables(results: BenchResults): Table[] {
  // Before anything was run the tables are there, and say so.
  const scores = results.scores.length > 0 ? results.scores : (['preference_accuracy'] as const);
  return [
    ...scores.map((score) => mainTable(results, score)),
    ...scores.flatMap((score) => ablationTable(results, score)),
    ...scores.map((score) => baseTable(results, score)),
    ...results.sweeps.flatMap((_, at) => scores.map((score) => sweepTable(results, at, score))),
    ...scores.map((score) => orderTable(results, score)),
    ...aloneTables(results),
    ...scores.flatMap((score) => gainTable(results, score)),
    ...tuningTable(results),
  ];
}

function mainTable({ orders: [first], bench }: BenchResults, score: TableScore): Table {
  const rows = first!.lines.map((line): Cell[] => {
    const isPlain = Object.keys(line.method.set).length === 0;
    const paper = isPlain ? paperMethods[line.method.method.name] : undefined;
    return [
      ...lineCells(line, score),
      line.scores.get(score)?.learned ?? null,
      paper?.bwt ?? null,
      paper?.last ?? null,
      paper?.ap ?? null,
    ];
  });
  return {
    id: `table1-${score}`,
    title: `Table 1, all methods: ${scoreTitles[score]}`,
    columns: [
      ...statisticColumns('method'),
      { title: 'when learned' },
      ...['paper: BWT', 'paper: Last', 'paper: AP'].map((title) => ({ title, digits: 2 })),
    ],
    rows,
    note: `${methodNote(first!.lines, bench.seeds)} Of STL, Last is the mean over tasks alone. ${SCALE_NOTE}`,
  };
}

function ablationTable({ ablations, bench }: BenchResults, score: TableScore): Table[] {
  const paperColumns = ['BLEU-4', 'judge'].flatMap((of) =>
    ['BWT', 'Last', 'AP'].map((title): Column => ({ title: `paper, ${of}: ${title}`, digits: 2 })),
  );
  return present({
    id: `table2-${score}`,
    title: `Table 2, LifeAlign’s parts: ${scoreTitles[score]}`,
    columns: [...statisticColumns('parts', 'both'), ...paperColumns],
    rows: ablations.map((line): Cell[] => {
      const { bleu, judge } = paperAblation[line.ablation];
      const paper = [bleu, judge].flatMap(({ bwt, last, ap }) => [bwt, last, ap]);
      return [...lineCells(line, score), ...paper];
    }),
    note: `${methodNote(ablations, bench.seeds)} Replay is on in all. ${SCALE_NOTE}`,
  });
}

function baseTable({ bases, bench }: BenchResults, score: TableScore): Table {
  const only = bases.length === 1 ? ' There is one base: how methods compare over bases was not run.' : '';
  return groupedTable(bases, score, bench.seeds, {
    id: 'table3',
    title: 'Table 3, bases',
    of: 'base',
    note: only,
  });
}

function sweepTable({ sweeps, bench }: BenchResults, at: number, score: TableScore): Table {
  const { key, values } = sweeps[at]!;
  const best = paperBest[key];
  return {
    id: `figure3-${at + 1}-${score}`,
    title: `Figure 3, LifeAlign over ${key}: ${scoreTitles[score]}`,
    columns: statisticColumns(key, 'the config’s value'),
    rows: values.map(({ line }) => lineCells(line, score)),
    note: `${methodNote(
      values.map(({ line }) => line),
      bench.seeds,
    )}${best === undefined ? '' : ` In the paper ${best} is best, falling off on both sides.`}`,
  };
}

function orderTable({ orders, bench }: BenchResults, score: TableScore): Table {
  const only = orders.length === 1 ? ' There is one order: others were not run.' : '';
  const named = bench.orders.map(({ label, tasks }) => `${label}: ${tasks.join(', ')}`);
  return groupedTable(orders, score, bench.seeds, {
    id: 'figure4',
    title: 'Figure 4, orders of the tasks',
    of: 'order',
    note: ` ${named.join('; ')}.${only}`,
  });
}

interface Grouped {
  readonly id: string;
  readonly title: string;
  /** Heads the column of the groups' labels. */
  readonly of: string;
  /** Behind the one on intervals. */
  readonly note: string;
}

/** The methods of each group, one group below the other. */
function groupedTable(
  groups: BenchResults['bases'],
  score: TableScore,
  seeds: readonly number[],
  { id, title, of, note }: Grouped,
): Table {
  const all = groups.flatMap(({ lines }) => lines);
  return {
    id: `${id}-${score}`,
    title: `${title}: ${scoreTitles[score]}`,
    columns: [...plain(of), ...statisticColumns('method')],
    rows: groups.flatMap(({ label, lines }) =>
      lines.map((line): Cell[] => [label, ...lineCells(line, score)]),
    ),
    note: `${methodNote(all, seeds)}${note}`,
  };
}

/** What is there to be learned at all. */
function aloneTables(results: BenchResults): Table[] {
  const runs = aloneRuns(results);
  if (runs.length === 0) return [];
  const preference = runs.flatMap(({ scores }) => scores.preference_accuracy ?? []);
  const reward = runs.flatMap(({ scores }) => scores.reward_accuracy ?? []);
  return aloneTable({ alone: learnedAlone(runs[0]!.tasks, { preference, reward }) });
}

/** Of single-task learning. */
function aloneRuns({ orders: [first] }: BenchResults): readonly BenchRun[] {
  return first!.lines.find(({ method }) => method.method.name === 'stl')?.finished ?? [];
}

function gainTable(results: BenchResults, score: TableScore): Table[] {
  const alone = aloneRuns(results);
  // The base's rewards are 0 by definition: there is nothing to gain over.
  if (alone.length === 0 || score === 'reward_accuracy') return [];
  const others = results.orders[0]!.lines.filter(({ method }) => method.method.name !== 'stl');
  return present({
    id: `gains-${score}`,
    title: `${scoreTitles[score]}: gain over the base when learned, % of the gain alone`,
    columns: [...plain('method'), ...alone[0]!.tasks.map((title): Column => ({ title, digits: 0 }))],
    rows: others
      .filter(({ finished }) => finished.length > 0)
      .map(({ label, finished }) => [
        label,
        ...taskGains(finished, alone, score).map(({ gain, alone: whole }): Cell => {
          if (gain === null || whole === null) return null;
          return whole > 0 ? (100 * gain) / whole : 'no gain alone';
        }),
      ]),
    note: 'Means over the seeds that both have. Above 100: the task gains more within the stream than alone.',
  });
}

function tuningTable({ tuned, bench }: BenchResults): Table[] {
  const hasChoice = tuned.some(({ trials }) => trials.length > 1);
  return present({
    id: 'tuning',
    title: hasChoice ? 'Settings chosen on validation rows' : 'Settings by method, without a choice',
    columns: [...plain('base', 'method', 'trial'), { title: 'mean score, %', digits: 1 }, ...plain('chosen')],
    rows: tuned.flatMap(({ base, method, trials, chosen }) =>
      trials.map(({ set, scores, mean }, at): Cell[] => [
        base,
        method,
        changesText(set),
        mean ?? (scores.length === 0 ? '-' : 'diverged'),
        scores.length === 0 ? 'the only one' : at === chosen ? 'chosen' : '',
      ]),
    ),
    note: hasChoice
      ? `Last after the stream, its mean over preference accuracy and the judge’s score, over seeds ${bench.tuningSeeds.join(', ')}, ` +
        'which no reported run has. Methods without lines of their own take another’s choice.'
      : 'A single trial for each method: none was run. Methods without lines of their own take another’s.',
  });
}

export function changesText(set: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(set).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  return parts.length === 0 ? 'as given' : parts.join(', ');
}

function statisticColumns(first: string, reference = 'LifeAlign'): Column[] {
  const titles = ['BWT', 'Last', 'AP'];
  return [
    ...plain(first, 'runs'),
    ...titles.map((title) => ({ title })),
    ...titles.map((title) => ({ title: `${reference} minus: ${title}` })),
  ];
}

/** Under `statisticColumns`. */
function lineCells(line: Line, score: TableScore): Cell[] {
  return [line.label, runsOf(line), ...ownCells(line, score), ...aheadCells(line, score)];
}

function runsOf({ runs, planned, diverged }: Line): string {
  if (runs + diverged === 0) return NOT_RUN;
  const count = runs === planned ? String(runs) : `${runs} of ${planned}`;
  return diverged === 0 ? count : `${count}, ${diverged} diverged`;
}

function ownCells({ runs, scores }: Line, score: TableScore): Cell[] {
  if (runs === 0) return [NOT_RUN, NOT_RUN, NOT_RUN];
  const own = scores.get(score)?.own;
  return own ? [own.bwt, own.last, own.ap] : [null, null, null];
}

function aheadCells({ scores }: Line, score: TableScore): Cell[] {
  const ahead = scores.get(score)?.ahead;
  return ahead ? [ahead.bwt, ahead.last, ahead.ap] : [null, null, null];
}

/** What intervals and p-values are, by how many runs there are. */
function methodNote(lines: readonly Line[], seeds: readonly number[]): string {
  const counts = new Set(lines.map(({ runs }) => runs).filter((runs) => runs > 0));
  const single = counts.has(1)
    ? ' Where there is one run, bootstrap intervals over test rows and p by approximate randomisation.'
    : '';
  return (
    `Seeds ${seeds.join(', ')}: means with 95 % intervals by Student’s t over seeds, differences paired by seed, p by the ` +
    `paired t-test.${single} No p is corrected for the number of comparisons.`
  );
}
