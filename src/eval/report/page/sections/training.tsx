/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** The step log as curves: losses, reward margin and the focal factor. */
import { decimal } from '../../../number-text.ts';
import { bucketSize, curve, type Reading, taskStarts } from '../../curves.ts';
import { panel } from '../charts/frame.tsx';
import { LineChart, type LinePoint } from '../charts/line-chart.tsx';
import { extentOf, ticksOf, xScale, yScale } from '../charts/scales.ts';
import { Blocks, MissingNotes, Section, type SectionProps, Tables } from '../section.tsx';

interface Quantity extends Reading {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Ends of the scale whatever was measured. */
  readonly always?: readonly number[];
  readonly hasBand?: boolean;
}

const quantities: readonly Quantity[] = [
  {
    id: 'sft-loss',
    title: 'Loss of sft',
    unit: 'nats per token',
    value: ({ stage, loss }) => (stage === 'sft' ? loss : null),
  },
  {
    id: 'preference-loss',
    title: 'Loss of the preference stage',
    unit: 'loss',
    value: ({ stage, loss }) => (stage === 'preference' ? loss : null),
  },
  {
    id: 'margin',
    title: 'Reward margin',
    unit: 'beta · nats',
    always: [0],
    value: (step) => step['rewards/margins'],
  },
  {
    id: 'focal',
    title: 'Focal factor',
    unit: '(1 − p)^gamma',
    always: [0, 1],
    hasBand: true,
    value: (step) => step['focal/mean'],
    low: (step) => step['focal/min'],
    high: (step) => step['focal/max'],
  },
];

export function Training({ report }: SectionProps) {
  const logged = report.runs.filter(({ steps }) => steps.length > 0);
  const sizes = logged
    .map(({ label, steps }) => ({ label, size: bucketSize(steps) }))
    .filter(({ size }) => size > 1);
  return (
    <Section id="training" title="Training">
      <MissingNotes report={report} part="steps" />
      {logged.length > 0 && (
        <>
          <p class="lead">
            Upright lines: where a task begins. The focal factor weighs a pair’s gradient; its band reaches
            from the least to the greatest of the rows.{' '}
            {sizes.length > 0 &&
              `A point is the mean of neighbouring steps of one stage, up to ${sizes
                .map(({ label, size }) => `${size} for ${label}`)
                .join(', ')}.`}
          </p>
          <Blocks report={report} of="charts">
            {quantities.map((quantity) => (
              <QuantityCharts report={report} quantity={quantity} />
            ))}
          </Blocks>
        </>
      )}
      <Tables report={report} ids="training" />
    </Section>
  );
}

function QuantityCharts({ report: { runs }, quantity }: SectionProps & { readonly quantity: Quantity }) {
  const { id, title, unit, always = [], hasBand = false } = quantity;
  const curves = runs.flatMap((run, style) => {
    const points = curve(run.steps, quantity).map(({ step, value, low, high, starts }): LinePoint => {
      return { x: step, y: value, starts, ...(hasBand ? { low, high } : {}) };
    });
    return points.length === 0 ? [] : [{ run, style, points }];
  });
  if (curves.length === 0) return null;
  const ends = curves.flatMap(({ points }) => points.flatMap(({ y, low = y, high = y }) => [low, high]));
  const y = yScale(panel, extentOf(ends, always), 5);
  return (
    <div>
      <h3>{title}</h3>
      <div class="charts">
        {curves.map(({ run, style, points }) => {
          const x = xScale(panel, extentOf([1, run.steps.length]));
          return (
            <LineChart
              id={`training-${id}-${style + 1}`}
              title={run.label}
              description={`${title} of ${run.label} over its ${run.steps.length} optimizer steps.`}
              plot={panel}
              x={x}
              y={y}
              axes={{
                xTicks: ticksOf(x, 6),
                yTicks: ticksOf(y, 5),
                xLabel: 'optimizer step',
                yLabel: unit,
              }}
              series={[{ name: run.label, style, points }]}
              xGuides={taskStarts(run.steps).map(({ task, step }) => ({ at: step, text: `${task} begins` }))}
              shown={({ x: step, y: value }) => `${decimal(value, 4)} at step ${step}`}
            />
          );
        })}
      </div>
    </div>
  );
}
