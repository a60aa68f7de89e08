/** Means over seeds with Student's t intervals. */

/** Two-sided 95 % quantiles of Student's t, by degrees of freedom. [standard tables] */
const quantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

export interface SeedMean {
  readonly mean: number;
  /** Half the width of the 95 % interval; NaN for a single seed or more than ten. */
  readonly margin: number;
}

export function meanInterval(values: readonly number[]): SeedMean {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Math.sqrt(squares / (values.length - 1) / values.length);
  return { mean, margin: (quantiles[values.length - 2] ?? Number.NaN) * error };
}

export function shownInterval({ mean, margin }: SeedMean): string {
  return `${mean.toFixed(1)} ± ${margin.toFixed(1)}`;
}
