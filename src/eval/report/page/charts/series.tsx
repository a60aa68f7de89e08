/** @jsxRuntime automatic */
/** @jsxImportSource preact */
/** How runs are told apart: by colour, by dashes and by the shape of their dots, the same in every chart. */
import {
  type SymbolType,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from 'd3-shape';
import { place } from './place.ts';

const shapes: readonly SymbolType[] = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolStar,
  symbolWye,
];

/** Colours and dashes that the page's style has. */
const STYLES = 8;

/** The class of the run at a place of the report. */
export function seriesClass(style: number): string {
  return `s${style % STYLES}`;
}

/** The dots of all charts: to stand once in a page. */
export function DotShapes() {
  return (
    <svg class="unseen" width="0" height="0" aria-hidden="true">
      <defs>
        {shapes.map((shape, at) => (
          <path id={`dot-${at}`} d={symbol(shape, 34).digits(1)() ?? ''} />
        ))}
      </defs>
    </svg>
  );
}

interface DotProps {
  readonly style: number;
  readonly x: number;
  readonly y: number;
  /** Shown when pointed at. */
  readonly title: string;
}

export function Dot({ style, x, y, title }: DotProps) {
  return (
    <use class={`dot ${seriesClass(style)}`} href={shapeOf(style)} x={place(x)} y={place(y)}>
      <title>{title}</title>
    </use>
  );
}

function shapeOf(style: number): string {
  return `#dot-${style % shapes.length}`;
}

/** What each line is. */
export function Legend({ names }: { readonly names: readonly string[] }) {
  return (
    <ul class="legend">
      {names.map((name, style) => (
        <li>
          <svg viewBox="0 0 34 12" width="34" height="12" aria-hidden="true">
            <path class={`line ${seriesClass(style)}`} d="M1,6H33" />
            <use class={`dot ${seriesClass(style)}`} href={shapeOf(style)} x={17} y={6} />
          </svg>
          <bdi>{name}</bdi>
        </li>
      ))}
    </ul>
  );
}
