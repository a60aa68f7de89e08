/** Two shares compared exactly: Fisher's test. [Fisher 1935, The Design of Experiments, chapter 2] */

/** `hits` of `count`. */
export interface Share {
  readonly hits: number;
  readonly count: number;
}

/**
 * The one-sided p-value of `one` having the higher rate than `other`: the probability, given both counts and the hits
 * of both together, of at least as many hits in `one` (hypergeometric). Exact at any count; 1 where either is empty.
 *
 * @throws {RangeError} for hits beyond the count, or numbers that are no counts
 */
export function fisherHigher(one: Share, other: Share): number {
  for (const { hits, count } of [one, other]) {
    if (!(Number.isInteger(hits) && Number.isInteger(count) && hits >= 0 && hits <= count)) {
      throw new RangeError(`${hits} of ${count} is no share`);
    }
  }
  const hits = one.hits + other.hits;
  const most = Math.min(one.count, hits);
  if (one.count === 0 || other.count === 0) return 1;
  // P(X = h) at the hits there are, and then by the ratio of neighbours upwards.
  let term = Math.exp(
    logChoose(one.count, one.hits) +
      logChoose(other.count, other.hits) -
      logChoose(one.count + other.count, hits),
  );
  let tail = term;
  for (let h = one.hits; h < most; h++) {
    term *= ((one.count - h) / (h + 1)) * ((hits - h) / (other.count - hits + h + 1));
    tail += term;
  }
  return Math.min(1, tail);
}

/** ln of the binomial coefficient. */
function logChoose(from: number, chosen: number): number {
  const few = Math.min(chosen, from - chosen);
  let sum = 0;
  for (let at = 1; at <= few; at++) sum += Math.log((from - few + at) / at);
  return sum;
}
