/** The normal distribution, for tests over rows. */
import { bisect } from './bisection.ts';

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
  const { inside, outside } = bisect(0, FARTHEST, (z) => normalWithin(z) < level);
  return (inside + outside) / 2;
}
