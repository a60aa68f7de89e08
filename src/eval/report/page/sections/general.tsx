/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** What alignment did to the rest of the model: drift from the base and loss on neutral conversations. */
import { type GeneralMeasure, generalMeasures } from '../../../comparison/index.ts';
import { GENERAL_DIGITS } from '../../../comparison/tables.ts';
import { decimal } from '../../../number-text.ts';
import { isEstimate } from '../../tables/table.ts';
import { panel } from '../charts/frame.tsx';
import { LineChart, type LinePoint } from '../charts/line-chart.tsx';
import { extentOf, ticksOf, wholeTicks, xScale, yScale } from '../charts/scales.ts';
import { Legend } from '../charts/series.tsx';
import { MissingNotes, Section, type SectionProps, Tables } from '../section.tsx';

export function General({ report }: SectionProps) {
  const { runs } = report;
  const measured = runs.filter(({ results }) => results.general.some((record) => record));
  return (
    <Section id="general" title="General ability">
      <MissingNotes report={report} part="general" />
      {measured.length > 0 && (
        <>
          <p class="lead">
            On neutral conversations, which no task trains: how far the policy has drifted from the base (KL
            by Monte Carlo, which may fall a little below 0), and its loss on given responses less the base’s.
            Bands: 95 % intervals over conversations.
          </p>
          {new Set(measured.map(({ results }) => results.generalKey)).size > 1 && (
            <p class="note">
              These runs were measured on different conversations, or over different bases: their numbers here
              do not compare.
            </p>
          )}
          <Legend names={runs.map(({ label }) => label)} />
          <div class="charts">
            <GeneralChart report={report} of="kl" title="KL to the base" />
            <GeneralChart report={report} of="lossChange" title="Change of loss on neutral conversations" />
          </div>
          <Tables report={report} ids="general" />
        </>
      )}
    </Section>
  );
}

interface GeneralChartProps extends SectionProps {
  readonly of: GeneralMeasure;
  readonly title: string;
}

function GeneralChart({ report: { runs, tables }, of, title }: GeneralChartProps) {
  const names = runs[0]!.results.tasks;
  const table = tables.find(({ id }) => id === 'general');
  const column = 2 + generalMeasures.indexOf(of);
  const pointsOf = (run: string) =>
    (table?.rows ?? []).flatMap((row): LinePoint[] => {
      const cell = row[column] ?? null;
      if (row[0] !== run || !isEstimate(cell) || cell.estimate === null) return [];
      const band = cell.low === null || cell.high === null ? {} : { low: cell.low, high: cell.high };
      return [{ x: 1 + names.indexOf(String(row[1])), y: cell.estimate, ...band }];
    });
  const series = runs.map(({ label }, style) => ({ name: label, style, points: withGaps(pointsOf(label)) }));
  const ends = series.flatMap(({ points }) => points.flatMap(({ y, low = y, high = y }) => [low, high]));
  const x = xScale(panel, extentOf([1, names.length]));
  const y = yScale(panel, extentOf(ends, [0]), 5);
  return (
    <LineChart
      id={`general-${of}`}
      title={title}
      description={`${title} after each task, in nats per token.`}
      plot={panel}
      x={x}
      y={y}
      axes={{
        xTicks: wholeTicks(x, 1, names.length, 22),
        yTicks: ticksOf(y, 5),
        xLabel: 'after task',
        yLabel: 'nats per token',
      }}
      series={series}
      yGuides={[{ at: 0, text: 'the base' }]}
      shown={({ x: after, y: value }) => `${decimal(value, GENERAL_DIGITS)} after ${names[after - 1]}`}
    />
  );
}

/** A line leads from a task to the next alone. */
function withGaps(points: readonly LinePoint[]): LinePoint[] {
  return points.map((point, at) => ({ ...point, starts: points[at - 1]?.x !== point.x - 1 }));
}
