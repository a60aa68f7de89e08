/** From data to a chart's units, with ticks that fit. */
import { type ScaleContinuousNumeric, scaleLinear, scaleLog } from 'd3-scale';
import type { Plot, Tick } from './frame.tsx';

export type Extent = readonly [number, number];

/** From the least to the greatest value, and over the values in `always`; never without width. */
export function extentOf(values: readonly number[], always: readonly number[] = []): Extent {
  const all = [...values, ...always];
  if (all.length === 0) return [0, 1];
  const low = all.reduce((least, value) => Math.min(least, value));
  const high = all.reduce((most, value) => Math.max(most, value));
  const room = Math.abs(low) / 10 || 1;
  return low === high ? [low - room, high + room] : [low, high];
}

export function xScale({ left, right }: Plot, domain: Extent): ScaleContinuousNumeric<number, number> {
  return scaleLinear().domain(domain).range([left, right]);
}

/** Ends at round numbers, as `ticksOf` with the same count has them. */
export function yScale(
  { top, bottom }: Plot,
  domain: Extent,
  count: number,
): ScaleContinuousNumeric<number, number> {
  return scaleLinear().domain(domain).range([bottom, top]).nice(count);
}

/** Ends at powers of ten. */
export function logScale({ top, bottom }: Plot, domain: Extent): ScaleContinuousNumeric<number, number> {
  return scaleLog().domain(domain).range([bottom, top]).nice();
}

export function ticksOf(scale: ScaleContinuousNumeric<number, number>, count: number): Tick[] {
  const format = scale.tickFormat(count);
  return scale.ticks(count).map((value) => ({ at: scale(value), text: format(value) }));
}

/** Powers of ten, at most `count` of them. */
export function powerTicks(scale: ScaleContinuousNumeric<number, number>, count: number): Tick[] {
  const [low = 1, high = 1] = scale.domain().map((end) => Math.round(Math.log10(end)));
  const step = Math.max(1, Math.ceil((high - low) / count));
  const powers = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, at) => high - at * step);
  return powers.map((power) => ({ at: scale(10 ** power), text: shortPower(power) }));
}

function shortPower(power: number): string {
  return power >= -2 && power <= 2 ? String(Number((10 ** power).toFixed(2))) : `1e${power}`;
}

const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Whole numbers from `first` to `last` that leave each `room` units, in round steps. */
export function wholeTicks(
  scale: ScaleContinuousNumeric<number, number>,
  first: number,
  last: number,
  room: number,
): Tick[] {
  const least = room / Math.abs(scale(first + 1) - scale(first));
  const step = WHOLE_STEPS.find((candidate) => candidate >= least) ?? Math.ceil(least);
  const start = Math.ceil(first / step) * step;
  const count = Math.floor((last - start) / step) + 1;
  return Array.from({ length: count }, (_, at) => start + at * step).map((value) => ({
    at: scale(value),
    text: String(value),
  }));
}

/** Cut where it would not fit; the whole name belongs in a title beside it. */
export function shortened(name: string, length: number): string {
  const characters = [...name];
  return characters.length <= length ? name : `${characters.slice(0, length - 1).join('')}…`;
}
