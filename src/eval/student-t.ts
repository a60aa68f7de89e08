/** Student's t distribution, for means over few runs. */
import { bisect } from './bisection.ts';

/**
 * P(|T| <= t) for `degrees` degrees of freedom, a whole number >= 1, and t >= 0, by the finite series for
 * whole degrees. [Abramowitz & Stegun 1964, 26.7.3 and 26.7.4]
 */
export function studentWithin(t: number, degrees: number): number {
  if (!Number.isSafeInteger(degrees) || degrees < 1) {
    throw new RangeError(`Student's t needs a whole number of degrees of freedom >= 1, got ${degrees}`);
  }
  return withinAngle(Math.atan(t / Math.sqrt(degrees)), degrees);
}

/** The t with P(|T| <= t) = `level`, in (0, 1): 12.706 for 0.95 and one degree of freedom. */
export function studentQuantile(level: number, degrees: number): number {
  if (!(level > 0 && level < 1)) throw new RangeError(`a level lies between 0 and 1, got ${level}`);
  // The angle's range is bounded, t's is not.
  const value = (angle: number) => Math.tan(angle) * Math.sqrt(degrees);
  const { inside, outside } = bisect(0, Math.PI / 2, (angle) => studentWithin(value(angle), degrees) < level);
  return value((inside + outside) / 2);
}

function withinAngle(angle: number, degrees: number): number {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = 0;
  for (let power = odd ? 1 : 0; power <= degrees - 2; power += 2) {
    sum += term;
    term *= ((power + 1) / (power + 2)) * cosine ** 2;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}
