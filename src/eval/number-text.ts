/** Measured numbers as people read them, in every table and chart. */

/** Units of the numbers' own; `digits` are those behind the point. A missing number is a dash. */
export function decimal(value: number | null, digits = 1): string {
  if (value === null) return '-';
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

interface Interval {
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** A number and its interval, where it has one. */
export function shown({ estimate, low, high }: Interval, digits = 1): string {
  if (low === null && high === null) return decimal(estimate, digits);
  return `${decimal(estimate, digits)} [${decimal(low, digits)}, ${decimal(high, digits)}]`;
}

/** A difference, its interval and its p-value. */
export function tested(difference: Interval & { readonly pValue: number | null }, digits = 1): string {
  const { pValue } = difference;
  if (pValue === null) return shown(difference, digits);
  return `${shown(difference, digits)}, p ${pValue < 0.001 ? '< 0.001' : `= ${pValue.toFixed(3)}`}`;
}
