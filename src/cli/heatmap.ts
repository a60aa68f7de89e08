/** A matrix of scores as text: aligned numbers, on coloured backgrounds where the terminal has colours. */
import { decimal } from '../eval/number-text.ts';
import { type ColourRange, colourLegend, onColourOf, rangeOf } from './colour-scale.ts';
import { USUAL_WIDTH } from './screen.ts';

type Row = readonly (number | null)[];

export interface Heatmap {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `values[row][column]`; `null` where there is none. */
  readonly values: readonly Row[];
  /** Columns to the right on other scales, and so without colours; a row may lack them (`[]`). */
  readonly further?: {
    readonly columns: readonly string[];
    readonly values: readonly Row[];
    /** Decimals of the numbers, 1 unless told. */
    readonly digits?: number;
  };
  /** What the ends of the colour scale stand for; left out: the ends of `values`. */
  readonly range?: ColourRange;
}

export interface HeatmapOptions {
  readonly colours: boolean;
  /** Of the whole, in characters. Names are shortened to keep to it; numbers never are. */
  readonly width?: number;
}

const LONGEST_LABEL = 24;
const GAP = 2;

/** Title, head, and a line per row with one decimal each; with colours, their legend below. */
export function heatmap(map: Heatmap, { colours, width = USUAL_WIDTH }: HeatmapOptions): string {
  const { title, rows, columns, values, further = { columns: [], values: [] } } = map;
  const heads = [...columns, ...further.columns];
  const range = map.range ?? rangeOf(values.flat());

  const labelWidth = Math.min(longest(rows), LONGEST_LABEL);
  const share = Math.floor((width - labelWidth) / heads.length);
  const furtherText = (value: number | null) => decimal(value, further.digits);
  const numbers = [
    ...values.flat().map((value) => decimal(value)),
    ...further.values.flat().map(furtherText),
  ];
  const cellWidth = Math.max(Math.min(longest(heads) + GAP, share), longest(numbers) + GAP);

  const plain = (value: number | null) => decimal(value).padStart(cellWidth);
  const coloured = (value: number | null) =>
    value !== null && colours ? onColourOf(value, range, plain(value)) : plain(value);
  const line = (name: string, cells: readonly string[]) =>
    shortened(name, labelWidth).padEnd(labelWidth) + cells.join('');

  const head = heads.map((name) => shortened(name, cellWidth - 1).padStart(cellWidth));
  const body = rows.map((name, at) =>
    line(name, [
      ...values[at]!.map(coloured),
      ...(further.values[at] ?? []).map((value) => furtherText(value).padStart(cellWidth)),
    ]),
  );
  return [title, line('', head), ...body, ...(colours ? [colourLegend(range)] : [])].join('\n');
}

function shortened(name: string, length: number): string {
  return name.length <= length ? name : `${name.slice(0, length - 1)}…`;
}

function longest(texts: readonly string[]): number {
  return Math.max(...texts.map((text) => text.length));
}
