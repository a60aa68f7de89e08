/** Where a condition ceases to hold, for the ends of intervals and quantiles without a formula. */

/** Leave of an interval less than float64 tells apart. */
const HALVINGS = 60;

/**
 * Halves what lies between a number for which the condition holds and one for which it does not, given that it ceases
 * to hold once in between.
 *
 * @param inside for which it holds; may be the larger of the two
 * @returns what is left: the last found on either side
 */
export function bisect(
  inside: number,
  outside: number,
  holds: (value: number) => boolean,
): { readonly inside: number; readonly outside: number } {
  let [yes, no] = [inside, outside];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (yes + no) / 2;
    if (holds(middle)) yes = middle;
    else no = middle;
  }
  return { inside: yes, outside: no };
}
