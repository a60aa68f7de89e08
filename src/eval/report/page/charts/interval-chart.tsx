/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** A number and its interval for each run, one below the other. */
import type { Estimate } from '../../../comparison/index.ts';
import { shown } from '../../../number-text.ts';
import { BottomAxis, Figure, type Plot } from './frame.tsx';
import { place } from './place.ts';
import { extentOf, shortened, ticksOf, xScale } from './scales.ts';
import { Dot, seriesClass } from './series.tsx';

interface IntervalChartProps {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** Quantity and unit. */
  readonly label: string;
  readonly digits: number;
  readonly rows: readonly { readonly name: string; readonly style: number; readonly estimate: Estimate }[];
}

const ROW = 34;
const TOP = 8;

export function IntervalChart({ id, title, description, label, digits, rows }: IntervalChartProps) {
  const bottom = TOP + ROW * rows.length;
  const plot: Plot = { width: 360, height: bottom + 40, left: 14, right: 346, top: TOP, bottom };
  const ends = rows.flatMap(({ estimate: { estimate, low, high } }) =>
    [estimate, low, high].filter((value) => value !== null),
  );
  const x = xScale(plot, extentOf(ends)).nice(5);
  const [least = 0, most = 0] = x.domain();
  return (
    <Figure id={id} title={title} description={description} plot={plot}>
      <BottomAxis plot={plot} ticks={ticksOf(x, 5)} label={label} />
      {least < 0 && most > 0 && (
        <g class="guide">
          <line x1={place(x(0))} x2={place(x(0))} y1={TOP} y2={bottom}>
            <title>0</title>
          </line>
        </g>
      )}
      {rows.map(({ name, style, estimate }, at) => {
        const text = `${name}: ${shown(estimate, digits)}`;
        const middle = TOP + ROW * at + 24;
        return (
          <g>
            <text class="name" x={plot.left} y={middle - 10}>
              {shortened(name, 26)}
              <title>{name}</title>
            </text>
            <text class="value" x={plot.right} y={middle - 10} text-anchor="end">
              {estimate.estimate === null ? 'no value' : shown(estimate, digits)}
            </text>
            {estimate.low !== null && estimate.high !== null && (
              <path
                class={`line whisker ${seriesClass(style)}`}
                d={`M${place(x(estimate.low))},${middle}H${place(x(estimate.high))}`}
              >
                <title>{text}</title>
              </path>
            )}
            {estimate.estimate !== null && (
              <Dot style={style} x={x(estimate.estimate)} y={middle} title={text} />
            )}
          </g>
        );
      })}
    </Figure>
  );
}
