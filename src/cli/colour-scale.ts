/**
 * Colours for numbers from low to high, for heatmaps in a terminal: from violet over green to yellow, steadily lighter,
 * so that the order shows without hues. They are of the palette of 256 whose colours no terminal's theme changes.
 */

/** The palette's numbers, near the scale viridis of matplotlib. */
export const scaleColours = [53, 54, 24, 30, 36, 72, 77, 148, 226] as const;
/** The first colours, dark ones, carry white text and the others black. */
const DARK_COLOURS = 3;
const [BLACK, WHITE] = [16, 231];

/** A span of values; what lies outside has the colour of the nearer end. */
export interface ColourRange {
  readonly low: number;
  readonly high: number;
}

/** From the least to the greatest value; from 0 to 0 where there is none. */
export function rangeOf(values: readonly (number | null)[]): ColourRange {
  const numbers = values.filter((value) => value !== null);
  return numbers.length === 0
    ? { low: 0, high: 0 }
    : { low: Math.min(...numbers), high: Math.max(...numbers) };
}

/** `text` on the colour of `value`. */
export function onColourOf(value: number, { low, high }: ColourRange, text: string): string {
  const share = high > low ? (value - low) / (high - low) : 1;
  const step = Math.floor(share * scaleColours.length);
  return onColour(Math.min(Math.max(step, 0), scaleColours.length - 1), text);
}

/** The scale between the numbers at its ends. */
export function colourLegend({ low, high }: ColourRange): string {
  const swatches = scaleColours.map((_, step) => onColour(step, '  ')).join('');
  return `${low.toFixed(1)} ${swatches} ${high.toFixed(1)}`;
}

function onColour(step: number, text: string): string {
  const foreground = step < DARK_COLOURS ? WHITE : BLACK;
  return `\x1b[38;5;${foreground};48;5;${scaleColours[step]}m${text}\x1b[0m`;
}
