/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** Lines over a stream's tasks, a run's steps or a spectrum's places, with bands, marks and gaps. */
import type { ScaleContinuousNumeric } from 'd3-scale';
import { area, line } from 'd3-shape';
import { Axes, type ChartAxes, Figure, type Plot } from './frame.tsx';
import { place } from './place.ts';
import { Dot, seriesClass } from './series.tsx';

export interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Of the band around the line, where there is one. */
  readonly low?: number;
  readonly high?: number;
  /** No line leads here from the point before. */
  readonly starts?: boolean;
}

export interface LineSeries {
  readonly name: string;
  /** Its place in the legend. */
  readonly style: number;
  readonly points: readonly LinePoint[];
}

/** A line across the plot. */
export interface Guide {
  readonly at: number;
  readonly text: string;
}

interface LineChartProps {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly plot: Plot;
  readonly x: ScaleContinuousNumeric<number, number>;
  readonly y: ScaleContinuousNumeric<number, number>;
  /** The chart's own, or the id of axes that it shares. */
  readonly axes: ChartAxes | string;
  readonly series: readonly LineSeries[];
  readonly xGuides?: readonly Guide[];
  readonly yGuides?: readonly Guide[];
  /** In the upper right corner. */
  readonly note?: string;
  /** Dots where there are few; false: none. */
  readonly dots?: boolean;
  /** Of a point's number, when it is pointed at. */
  readonly shown: (point: LinePoint) => string;
}

/** A line of more points has dots only where a point stands alone. */
const MOST_DOTS = 24;

export function LineChart(props: LineChartProps) {
  const { id, title, description, plot, x, y, axes, series, note } = props;
  const { xGuides = [], yGuides = [], dots = true, shown } = props;
  const isEmpty = series.every(({ points }) => points.length === 0);
  return (
    <Figure id={id} title={title} description={description} plot={plot}>
      {typeof axes === 'string' ? <use href={`#${axes}`} /> : <Axes plot={plot} {...axes} />}
      {xGuides.map(({ at, text }) => (
        <g class="guide">
          <line x1={place(x(at))} x2={place(x(at))} y1={plot.top} y2={plot.bottom}>
            <title>{text}</title>
          </line>
        </g>
      ))}
      {yGuides.map(({ at, text }) => (
        <g class="guide">
          <line x1={plot.left} x2={plot.right} y1={place(y(at))} y2={place(y(at))}>
            <title>{text}</title>
          </line>
          <text x={plot.right} y={place(y(at) - 4)} text-anchor="end">
            {text}
          </text>
        </g>
      ))}
      {series.map((one) => (
        <Series series={one} x={x} y={y} dots={dots} shown={shown} />
      ))}
      {note !== undefined && (
        <text x={plot.right} y={plot.top + 11} text-anchor="end">
          {note}
        </text>
      )}
      {isEmpty && (
        <text
          class="empty"
          x={(plot.left + plot.right) / 2}
          y={(plot.top + plot.bottom) / 2}
          text-anchor="middle"
        >
          not measured
        </text>
      )}
    </Figure>
  );
}

interface SeriesProps extends Pick<LineChartProps, 'x' | 'y' | 'shown'> {
  readonly series: LineSeries;
  readonly dots: boolean;
}

function Series({ series: { name, style, points }, x, y, dots, shown }: SeriesProps) {
  const segments = segmentsOf(points);
  const outline = line<LinePoint>()
    .x((point) => x(point.x))
    .y((point) => y(point.y))
    .digits(1);
  const band = area<LinePoint>()
    .x((point) => x(point.x))
    .y0((point) => y(point.low ?? point.y))
    .y1((point) => y(point.high ?? point.y))
    .digits(1);
  const alone = segments.flatMap((part) => (part.length === 1 ? part : []));
  const dotted = dots && points.length <= MOST_DOTS ? points : alone;
  const hasBand = points.some(({ low }) => low !== undefined);
  return (
    <g>
      {hasBand && (
        <path class={`band ${seriesClass(style)}`} d={segments.map((part) => band(part)).join('')} />
      )}
      {points.length > 0 && (
        <path class={`line ${seriesClass(style)}`} d={segments.map((part) => outline(part)).join('')}>
          <title>{name}</title>
        </path>
      )}
      {dotted.map((point) => (
        <Dot style={style} x={x(point.x)} y={y(point.y)} title={`${name}: ${shown(point)}`} />
      ))}
    </g>
  );
}

function segmentsOf(points: readonly LinePoint[]): LinePoint[][] {
  const segments: LinePoint[][] = [];
  for (const point of points) {
    const current = segments.at(-1);
    if (current === undefined || point.starts) segments.push([point]);
    else current.push(point);
  }
  return segments;
}

/** Values at whole places from `first` on, `null` where there is a gap. */
export function pointsAt(values: readonly (number | null)[], first: number): LinePoint[] {
  return values.flatMap((y, at) => {
    if (y === null) return [];
    const starts = (values[at - 1] ?? null) === null;
    return [{ x: first + at, y, starts }];
  });
}
