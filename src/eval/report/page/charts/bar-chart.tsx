/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** Bars over a stream's tasks or stages: one part each, or several stacked. */
import { scaleBand } from 'd3-scale';
import { BottomAxis, Figure, LeftAxis, panel } from './frame.tsx';
import { place } from './place.ts';
import { extentOf, ticksOf, yScale } from './scales.ts';

export interface BarPart {
  readonly value: number;
  /** Of its colour. */
  readonly class: string;
  /** Within the part, where it fits. */
  readonly text: string;
  /** Shown when pointed at. */
  readonly title: string;
}

export interface Bar {
  /** Below the bar, where it fits. */
  readonly name: string;
  readonly parts: readonly BarPart[];
}

interface BarChartProps {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly bars: readonly Bar[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** The highest value, of charts that share their scale. */
  readonly most: number;
}

/** Of the axis of values, about. */
const TICKS = 5;

/** Of a name below the axis, in the chart's units. */
const NAME_WIDTH = 16;

export function BarChart({ id, title, description, bars, xLabel, yLabel, most }: BarChartProps) {
  const x = scaleBand<number>()
    .domain(bars.map((_, at) => at))
    .range([panel.left, panel.right])
    .paddingInner(0.15)
    .paddingOuter(0.1);
  const y = yScale(panel, extentOf([most], [0]), TICKS);
  const every = Math.ceil(NAME_WIDTH / x.step());
  const ticks = bars.flatMap(({ name }, at) =>
    at % every === 0 ? [{ at: x(at)! + x.bandwidth() / 2, text: name }] : [],
  );
  return (
    <Figure id={id} title={title} description={description} plot={panel}>
      <LeftAxis plot={panel} ticks={ticksOf(y, TICKS)} label={yLabel} />
      <BottomAxis plot={panel} ticks={ticks} label={xLabel} />
      {bars.map(({ parts }, at) => (
        <Stack parts={parts} left={x(at)!} width={x.bandwidth()} y={y} />
      ))}
    </Figure>
  );
}

interface StackProps {
  readonly parts: readonly BarPart[];
  readonly left: number;
  readonly width: number;
  readonly y: (value: number) => number;
}

/** Text of this size stays within its part. */
const TEXT_ROOM = 13;

function Stack({ parts, left, width, y }: StackProps) {
  const below = (at: number) => parts.slice(0, at).reduce((sum, { value }) => sum + value, 0);
  return (
    <g>
      {parts.map(({ value, class: name, text, title }, at) => {
        const [bottom, top] = [y(below(at)), y(below(at) + value)];
        const fits = width >= TEXT_ROOM && bottom - top >= TEXT_ROOM;
        return (
          <>
            <rect
              class={`bar ${name}`}
              x={place(left)}
              y={place(top)}
              width={place(width)}
              height={place(bottom - top)}
            >
              <title>{title}</title>
            </rect>
            {fits && (
              <text class={`on-bar ${name}`} x={place(left + width / 2)} y={place((top + bottom) / 2 + 3.5)}>
                {text}
              </text>
            )}
          </>
        );
      })}
    </g>
  );
}
