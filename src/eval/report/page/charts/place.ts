/** Coordinates as charts write them. */

/** With as many digits as a screen can show. */
export function place(value: number): string {
  return String(Math.round(value * 10) / 10);
}
