/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** What alignment did to the rest of the model: drift from the base and loss on neutral conversations. */
import { decimal } from '../../../number-text.ts';
import type { GeneralFile } from '../../record/files.ts';
import type { RunRecord } from '../../record/run.ts';
import { panel } from '../charts/frame.tsx';
import { LineChart, pointsAt } from '../charts/line-chart.tsx';
import { extentOf, ticksOf, wholeTicks, xScale, yScale } from '../charts/scales.ts';
import { Legend } from '../charts/series.tsx';
import { MissingNotes, Section, type SectionProps } from '../section.tsx';

export function General({ report }: SectionProps) {
  const { runs } = report;
  const bases = [
    ...new Set(runs.flatMap(({ tasks }) => tasks.flatMap(({ general }) => general?.base_loss ?? []))),
  ];
  return (
    <Section id="general" title="General ability">
      <MissingNotes report={report} part="general" />
      {bases.length > 0 && (
        <>
          <p class="lead">
            On neutral conversations, which no task trains: how far the policy has drifted from the base (KL
            by Monte Carlo, which may fall a little below 0), and its loss on given responses beside the
            base’s.
          </p>
          {measuresOf(runs).size > 1 && (
            <p class="note">
              These runs were measured on different conversations, or over different bases: their numbers here
              do not compare.
            </p>
          )}
          <Legend names={runs.map(({ label }) => label)} />
          <div class="charts">
            <GeneralChart
              report={report}
              of="kl"
              title="KL to the base"
              guides={[{ at: 0, text: 'the base' }]}
            />
            <GeneralChart
              report={report}
              of="loss"
              title="Loss on neutral conversations"
              guides={bases.map((at) => ({ at, text: 'the base' }))}
            />
          </div>
        </>
      )}
    </Section>
  );
}

/** What the numbers depend on besides the policy. */
function measuresOf(runs: readonly RunRecord[]): Set<string> {
  const measured = runs.filter(({ tasks }) => tasks.some(({ general }) => general));
  return new Set(
    measured.map(({ config }) => {
      const { base, general } = config.provenance.hashes;
      const settings = config.general && [config.general.limit, config.general.max_new_tokens];
      return JSON.stringify([base, general, settings]);
    }),
  );
}

interface GeneralChartProps extends SectionProps {
  readonly of: keyof Pick<GeneralFile, 'kl' | 'loss'>;
  readonly title: string;
  readonly guides: readonly { readonly at: number; readonly text: string }[];
}

function GeneralChart({ report: { runs }, of, title, guides }: GeneralChartProps) {
  const names = runs[0]!.results.tasks;
  const values = runs.map(({ tasks }) => tasks.map(({ general }) => general?.[of] ?? null));
  const x = xScale(panel, extentOf([1, names.length]));
  const measured = values.flat().filter((value) => value !== null);
  const always = guides.map(({ at }) => at);
  const y = yScale(panel, extentOf(measured, always), 5);
  return (
    <LineChart
      id={`general-${of}`}
      title={title}
      description={`${title} after each task, in nats per token.`}
      plot={panel}
      x={x}
      y={y}
      xTicks={wholeTicks(x, 1, names.length, 22)}
      yTicks={ticksOf(y, 5)}
      xLabel="after task"
      yLabel="nats per token"
      series={runs.map(({ label }, style) => ({ name: label, style, points: pointsAt(values[style]!, 1) }))}
      yGuides={guides}
      shown={({ x: after, y: value }) => `${decimal(value, 4)} after ${names[after - 1]}`}
    />
  );
}
