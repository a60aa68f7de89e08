/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A bench as a page: the paper's tables and figures with our numbers, as charts and tables. */
import { scoreTitles } from '../../eval/comparison/index.ts';
import { decimal } from '../../eval/number-text.ts';
import { panel } from '../../eval/report/page/charts/frame.tsx';
import { IntervalChart } from '../../eval/report/page/charts/interval-chart.tsx';
import { LineChart, type LinePoint } from '../../eval/report/page/charts/line-chart.tsx';
import { extentOf, ticksOf, xScale, yScale } from '../../eval/report/page/charts/scales.ts';
import { DotShapes } from '../../eval/report/page/charts/series.tsx';
import { DataTable } from '../../eval/report/page/data-table.tsx';
import { Section } from '../../eval/report/page/section.tsx';
import type { Table } from '../../eval/report/tables/table.ts';
import type { BenchResults } from '../results/gather.ts';
import type { Line, Statistics } from '../results/lines.ts';
import type { TableScore } from '../results/run.ts';

export interface BenchPageProps {
  readonly title: string;
  readonly results: BenchResults;
  readonly tables: readonly Table[];
}

const statistics = [
  ['last', 'Last'],
  ['bwt', 'BWT'],
  ['ap', 'AP'],
] as const satisfies (readonly [keyof Statistics<unknown>, string])[];

const contents = [
  ['table1', 'Table 1, all methods'],
  ['table2', 'Table 2, parts'],
  ['table3', 'Table 3, bases'],
  ['figure3', 'Figure 3, settings'],
  ['figure4', 'Figure 4, orders'],
  ['learned', 'What is learned'],
  ['tuning', 'Tuning'],
  ['claims', 'The paper’s claims'],
] as const;

export function BenchPage({ title, results, tables }: BenchPageProps) {
  const { scores, orders, ablations, sweeps, bench } = results;
  return (
    <>
      <DotShapes />
      <header>
        <p class="kicker">LifeAlign bench</p>
        <h1>
          <bdi>{title}</bdi>
        </h1>
        <ul class="runs">
          <li>
            {bench.methods.length} methods · {bench.orders.length} orders · {bench.bases.length} bases · seeds{' '}
            {bench.seeds.join(', ')}
          </li>
        </ul>
      </header>
      <nav aria-label="Contents">
        <ol>
          {contents.map(([id, name]) => (
            <li>
              <a href={`#${id}`}>{name}</a>
            </li>
          ))}
        </ol>
      </nav>
      <main>
        <Section id="table1" title="Table 1: all methods">
          <p class="lead">
            <b>Last</b> is the mean over all tasks after the last one; <b>BWT</b>, backward transfer, what
            later tasks did to earlier ones since each was learned (below 0: forgotten); <b>AP</b> the mean
            over the tasks seen so far, averaged along the stream. Whiskers: 95 % intervals.
          </p>
          {scores.map((score) => (
            <LineCharts id={`all-${score}`} lines={orders[0]!.lines} score={score} />
          ))}
          <Tables tables={tables} of="table1" open />
        </Section>
        <Section id="table2" title="Table 2: LifeAlign’s parts">
          {scores.map((score) => (
            <LineCharts id={`parts-${score}`} lines={ablations} score={score} />
          ))}
          <Tables tables={tables} of="table2" open />
        </Section>
        <Section id="table3" title="Table 3: bases">
          <Tables tables={tables} of="table3" />
        </Section>
        <Section id="figure3" title="Figure 3: LifeAlign’s settings">
          <div class="charts">
            {sweeps.flatMap((sweep, at) =>
              scores.map((score) => <SweepChart id={`sweep-${at}-${score}`} sweep={sweep} score={score} />),
            )}
          </div>
          <Tables tables={tables} of="figure3" />
        </Section>
        <Section id="figure4" title="Figure 4: orders of the tasks">
          {scores.map((score) => (
            <>
              <h3>{scoreTitles[score]}</h3>
              <div class="charts">
                {orders.map(({ label, lines }, at) => (
                  <StatisticChart
                    id={`order-${at}-${score}`}
                    title={`Last, ${label}`}
                    lines={lines}
                    score={score}
                    statistic="last"
                  />
                ))}
              </div>
            </>
          ))}
          <Tables tables={tables} of="figure4" />
        </Section>
        <Section id="learned" title="What is there to be learned, and is">
          <Tables tables={tables} of="alone" open />
          <Tables tables={tables} of="gains" open />
        </Section>
        <Section id="tuning" title="Settings chosen on validation rows">
          <Tables tables={tables} of="tuning" open />
        </Section>
        <Section id="claims" title="The paper’s claims">
          <Tables tables={tables} of="claims" open />
        </Section>
      </main>
    </>
  );
}

function Tables({ tables, of, open = false }: { tables: readonly Table[]; of: string; open?: boolean }) {
  const chosen = tables.filter(({ id }) => id === of || id.startsWith(`${of}-`));
  if (chosen.length === 0) return <p class="note">Not run.</p>;
  return (
    <>
      {chosen.map((table) => (
        <DataTable table={table} open={open} />
      ))}
    </>
  );
}

interface LineChartsProps {
  readonly id: string;
  readonly lines: readonly Line[];
  readonly score: TableScore;
}

function LineCharts({ id, lines, score }: LineChartsProps) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3>{scoreTitles[score]}</h3>
      <div class="charts">
        {statistics.map(([statistic, title]) => (
          <StatisticChart
            id={`${id}-${statistic}`}
            title={title}
            lines={lines}
            score={score}
            statistic={statistic}
          />
        ))}
      </div>
    </>
  );
}

interface StatisticChartProps extends LineChartsProps {
  readonly title: string;
  readonly statistic: keyof Statistics<unknown>;
}

/** Lines that were run and have the number. */
function StatisticChart({ id, title, lines, score, statistic }: StatisticChartProps) {
  const rows = lines.flatMap(({ label, scores }, style) => {
    const estimate = scores.get(score)?.own[statistic];
    return estimate && estimate.estimate !== null ? [{ name: label, style, estimate }] : [];
  });
  if (rows.length === 0) return null;
  return (
    <IntervalChart
      id={id}
      title={title}
      description={`${title} of ${scoreTitles[score]}, with 95 % intervals, line by line.`}
      label={scoreTitles[score]}
      digits={1}
      rows={rows}
    />
  );
}

interface SweepChartProps {
  readonly id: string;
  readonly sweep: BenchResults['sweeps'][number];
  readonly score: TableScore;
}

/** Numbers only: a setting that is none has its table. */
function SweepChart({ id, sweep: { key, values }, score }: SweepChartProps) {
  const points = values.flatMap(({ value, line }): LinePoint[] => {
    const last = line.scores.get(score)?.own.last;
    if (typeof value !== 'number' || !last || last.estimate === null) return [];
    const { estimate, low, high } = last;
    return [{ x: value, y: estimate, ...(low === null || high === null ? {} : { low, high }) }];
  });
  if (points.length < 2) return null;
  points.sort((one, other) => one.x - other.x);
  const x = xScale(panel, extentOf(points.map((point) => point.x))).nice(5);
  const ends = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  const y = yScale(panel, extentOf(ends), 5);
  return (
    <LineChart
      id={id}
      title={`Last over ${key}: ${scoreTitles[score]}`}
      description={`LifeAlign’s Last for each value of ${key}; the band is the 95 % interval.`}
      plot={panel}
      x={x}
      y={y}
      axes={{ xTicks: ticksOf(x, 5), yTicks: ticksOf(y, 5), xLabel: key, yLabel: scoreTitles[score] }}
      series={[{ name: 'LifeAlign', style: 0, points }]}
      shown={(point) => `${point.x}: ${decimal(point.y)}`}
    />
  );
}
