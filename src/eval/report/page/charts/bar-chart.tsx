/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** Bars over a stream's tasks or stages: one part each, or several stacked. */
import { scaleBand } from 'd3-scale';
import { Axes, Figure, panel } from './frame.tsx';
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
  /** What it is a part of, where there are too many parts to point at one. */
  readonly of: string;
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

/** Above this many parts a chart has a surface for each colour. */
const MOST_APART = 300;

/** Of a name below the axis, in the chart's units. */
const NAME_WIDTH = 16;

export function BarChart({ id, title, description, bars, xLabel, yLabel, most }: BarChartProps) {
  const x = scaleBand<number>()
    .domain(bars.map((_, at) => at))
    .range([panel.left, panel.right])
    .paddingInner(0.15)
    .paddingOuter(0.1);
  const y = yScale(panel, extentOf([most], [0]), TICKS);
  const stacks = bars.map(({ parts }, at) => ({ parts, left: x(at)!, width: x.bandwidth() }));
  const count = bars.reduce((sum, { parts }) => sum + parts.length, 0);
  const every = Math.ceil(NAME_WIDTH / x.step());
  const ticks = bars.flatMap(({ name }, at) =>
    at % every === 0 ? [{ at: x(at)! + x.bandwidth() / 2, text: name }] : [],
  );
  return (
    <Figure id={id} title={title} description={description} plot={panel}>
      <Axes plot={panel} xTicks={ticks} yTicks={ticksOf(y, TICKS)} xLabel={xLabel} yLabel={yLabel} />
      {count > MOST_APART ? (
        <Surfaces stacks={stacks} y={y} />
      ) : (
        stacks.map((stack) => <Stack {...stack} y={y} />)
      )}
    </Figure>
  );
}

interface StackOfParts {
  readonly parts: readonly BarPart[];
  readonly left: number;
  readonly width: number;
}

type Scaled = { readonly y: (value: number) => number };

/** Text of this size stays within its part. */
const TEXT_ROOM = 13;

function Stack({ parts, left, width, y }: StackOfParts & Scaled) {
  return (
    <g>
      {parts.map(({ class: name, text, title }, at) => {
        const [bottom, top] = endsOf(parts, at, y);
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

/** The same parts, those of one colour as one mark: thousands of marks would make the page heavy. */
function Surfaces({ stacks, y }: { readonly stacks: readonly StackOfParts[] } & Scaled) {
  const surfaces = new Map<string, { outline: string; readonly of: Set<string> }>();
  for (const { parts, left, width } of stacks) {
    for (const [at, part] of parts.entries()) {
      const surface = surfaces.get(part.class) ?? { outline: '', of: new Set() };
      const [bottom, top] = endsOf(parts, at, y);
      surface.outline += `M${place(left)},${place(top)}h${place(width)}v${place(bottom - top)}h-${place(width)}z`;
      surface.of.add(part.of);
      surfaces.set(part.class, surface);
    }
  }
  return (
    <g>
      {[...surfaces].map(([name, { outline, of }]) => (
        <path class={`bar ${name}`} d={outline}>
          <title>{[...of].join(', ')}</title>
        </path>
      ))}
    </g>
  );
}

function endsOf(parts: readonly BarPart[], at: number, y: Scaled['y']): readonly [number, number] {
  const below = parts.slice(0, at).reduce((sum, { value }) => sum + value, 0);
  return [y(below), y(below + parts[at]!.value)];
}
