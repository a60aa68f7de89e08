/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** What every chart stands in: its figure, its place for marks, axes with ticks and units. */
import type { ComponentChildren } from 'preact';
import { place } from './place.ts';

/** A chart's size, and the edges of the area that marks are drawn in. */
export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export const panel: Plot = { width: 360, height: 220, left: 52, right: 346, top: 12, bottom: 176 };
export const smallPanel: Plot = { width: 250, height: 160, left: 52, right: 242, top: 10, bottom: 122 };

interface FigureProps {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** What the chart shows, for those who do not see it. */
  readonly description: string;
  readonly plot: Pick<Plot, 'width' | 'height'>;
  readonly children: ComponentChildren;
}

export function Figure({ id, title, description, plot: { width, height }, children }: FigureProps) {
  return (
    <figure class="chart" style={`max-width:${width + 60}px`}>
      <figcaption>
        <bdi>{title}</bdi>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-labelledby={`${id}-title ${id}-description`}>
        <title id={`${id}-title`}>{title}</title>
        <desc id={`${id}-description`}>{description}</desc>
        {children}
      </svg>
    </figure>
  );
}

export interface Tick {
  /** In the chart's units. */
  readonly at: number;
  readonly text: string;
}

interface AxisProps {
  readonly plot: Plot;
  readonly ticks: readonly Tick[];
  /** Quantity and unit. */
  readonly label: string;
}

export function BottomAxis({ plot: { left, right, bottom }, ticks, label }: AxisProps) {
  const marks = ticks.map(({ at }) => `M${place(at)},${bottom}v4`).join('');
  return (
    <g class="axis bottom">
      <path d={`M${left},${bottom}H${right}${marks}`} />
      {ticks.map(({ at, text }) => (
        <text x={place(at)} y={bottom + 16}>
          {text}
        </text>
      ))}
      <text class="label" x={(left + right) / 2} y={bottom + 33}>
        {label}
      </text>
    </g>
  );
}

export interface ChartAxes {
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  readonly xLabel: string;
  readonly yLabel: string;
}

interface AxesProps extends ChartAxes {
  readonly plot: Plot;
}

export function Axes({ plot, xTicks, yTicks, xLabel, yLabel }: AxesProps) {
  return (
    <>
      <LeftAxis plot={plot} ticks={yTicks} label={yLabel} />
      <BottomAxis plot={plot} ticks={xTicks} label={xLabel} />
    </>
  );
}

/** Axes of many charts, to stand once in the page: a hundred small charts are mostly axes. */
export function SharedAxes({ id, ...axes }: AxesProps & { readonly id: string }) {
  return (
    <svg class="unseen" width="0" height="0" aria-hidden="true">
      <defs>
        <g id={id}>
          <Axes {...axes} />
        </g>
      </defs>
    </svg>
  );
}

/** Ticks with lines across the plot. */
function LeftAxis({ plot: { left, right, top, bottom }, ticks, label }: AxisProps) {
  const middle = (top + bottom) / 2;
  return (
    <g class="axis left">
      <path class="grid" d={ticks.map(({ at }) => `M${left},${place(at)}H${right}`).join('')} />
      {ticks.map(({ at, text }) => (
        <text x={left - 6} y={place(at + 3.5)}>
          {text}
        </text>
      ))}
      <text class="label" x={10} y={middle} transform={`rotate(-90 10 ${middle})`}>
        {label}
      </text>
    </g>
  );
}
