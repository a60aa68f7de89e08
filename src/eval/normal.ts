/** The normal distribution, for tests over rows. */

/** Beyond it nothing is left in float64. */
const FARTHEST = 8;

/** P(|Z| <= z), z in [0, 8]. [the series of Abramowitz & Stegun 1964, 26.2.11, all of whose terms are positive] */
export function normalWithin(z: number): number {
  let [term, sum] = [z, 0];
  for (let power = 1; term > sum * 1e-17; power += 2) {
    sum += term;
    term *= z ** 2 / (power + 2);
  }
  return Math.sqrt(2 / Math.PI) * Math.exp(-(z ** 2) / 2) * sum;
}

/** The z with P(|Z| <= z) = `level`, in (0, 1): 1.96 for 0.95. */
export function normalQuantile(level: number): number {
  if (!(level > 0 && level < 1)) throw new RangeError(`a level lies between 0 and 1, got ${level}`);
  let [low, high] = [0, FARTHEST];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (normalWithin(middle) < level) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
