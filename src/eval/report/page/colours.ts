/**
 * The heatmaps' colours in steps, each with the ink that stands out best against it. On a light page high values
 * are dark, on a dark page light, so that emptiness looks like the page.
 */
import { scaleLinear } from 'd3-scale';

export interface HeatColour {
  readonly background: string;
  readonly ink: string;
}

export type Scheme = 'light' | 'dark';

/** From low to high: yellow to navy, as ColorBrewer's YlGnBu. */
const sequential = ['#f4f9dc', '#d3eccb', '#98d5bd', '#54bac3', '#2f93bd', '#2b62a3', '#23367f', '#0d1a4a'];

/** From below the middle over it to above, by scheme: as ColorBrewer's PuOr, which readers of any sight can tell. */
const diverging: Readonly<Record<Scheme, readonly string[]>> = {
  light: ['#8c4a06', '#d98b2b', '#f7d9ae', '#f4f4f4', '#cdc8e3', '#8a7fb8', '#4a2b82'],
  dark: ['#f0b15c', '#b8731d', '#6b4617', '#2a2d33', '#4a4278', '#8073b8', '#b9aee6'],
};

/** Odd, so that the diverging scale has a middle. */
export const HEAT_STEPS = 25;

export type HeatKind = 'sequential' | 'diverging';

export function heatColours(kind: HeatKind, scheme: Scheme): HeatColour[] {
  const ramp = scheme === 'dark' ? sequential.toReversed() : sequential;
  const stops = kind === 'diverging' ? diverging[scheme] : ramp;
  const domain = stops.map((_, at) => at / (stops.length - 1));
  const colour = scaleLinear<string>().domain(domain).range(stops);
  return Array.from({ length: HEAT_STEPS }, (_, step) => {
    const background = colour(step / (HEAT_STEPS - 1));
    return { background, ink: inkOn(background) };
  });
}

/** The values at a scale's ends. */
export interface HeatScale {
  readonly kind: HeatKind;
  readonly low: number;
  readonly high: number;
}

/** A scale over what was measured: around 0 for a diverging one, else between round numbers. */
export function heatScale(kind: HeatKind, values: readonly (number | null)[]): HeatScale {
  const numbers = values.filter((value) => value !== null);
  if (kind === 'diverging') {
    const most = Math.max(0, ...numbers.map(Math.abs));
    return { kind, low: -most, high: most };
  }
  if (numbers.length === 0) return { kind, low: 0, high: 0 };
  const [low = 0, high = 0] = scaleLinear()
    .domain([Math.min(...numbers), Math.max(...numbers)])
    .nice(5)
    .domain();
  return { kind, low, high };
}

/** The class of a value's colour; a scale without width has the middle one. */
export function heatClass(value: number, { kind, low, high }: HeatScale): string {
  const share = high > low ? (value - low) / (high - low) : 0.5;
  const step = Math.round(Math.min(Math.max(share, 0), 1) * (HEAT_STEPS - 1));
  return stepClass(kind, step);
}

export function stepClass(kind: HeatKind, step: number): string {
  return `${kind === 'sequential' ? 'q' : 'd'}${step}`;
}

const INKS = ['#0b0d12', '#ffffff'] as const;

function inkOn(background: string): string {
  const [dark, light] = INKS;
  return contrast(background, dark) >= contrast(background, light) ? dark : light;
}

/** From 1 to 21. [WCAG 2.2, contrast ratio] */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** [WCAG 2.2, relative luminance], of `#rrggbb` or `rgb(r, g, b)`. */
function luminance(colour: string): number {
  const channels = colour.startsWith('#')
    ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/\d+/g) ?? []).map(Number);
  const [red = 0, green = 0, blue = 0] = channels.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
