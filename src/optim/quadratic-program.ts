/** Small quadratic programs whose unknowns have one lower bound: what projecting gradients comes down to. */
import { solveQP } from 'quadprog';

/** Added to P's diagonal, of ones, where P is not positive definite. */
const RIDGE = 1e-8;

/** How far below 0 rounding may leave the slope at the solution. */
const TOLERANCE = 1e-9;

/** What is smaller counts as 0: its square underflows, and the library divides by such squares. */
const SMALLEST = 1e-100;

/**
 * The v that minimises ½ vᵀ P v + qᵀ v where every entry is at least `bound`. At it the slope P v + q is 0 where
 * v is above the bound, and at least 0 where it is not. [Goldfarb & Idnani 1983, doi:10.1007/BF02591962]
 *
 * @param P symmetric, positive semidefinite, with no zero on its diagonal; q lies in its range, as it does where
 *   P = G Gᵀ and q = G g
 */
export function minimiseAbove(
  bound: number,
  P: readonly (readonly number[])[],
  q: readonly number[],
): readonly number[] {
  // In units in which the diagonal is 1 and nothing else much larger: the library compares with absolute numbers,
  // and a ridge has to be as small beside the smallest entry of the diagonal as beside the largest.
  const units = P.map((row, at) => Math.sqrt(row[at]!));
  const scaledP = P.map((row, at) => row.map((value, column) => value / units[at]! / units[column]!));
  const [bounds, slopes] = [units.map((unit) => bound * unit), q.map((value, at) => value / units[at]!)];
  const size = Math.max(...bounds, ...slopes.map(Math.abs), Number.MIN_VALUE);
  const program = { P: scaledP, q: slopes.map((value) => value / size), bounds: bounds.map((b) => b / size) };
  return solution(program).map((value, at) => (value * size) / units[at]!);
}

interface Program {
  readonly P: readonly (readonly number[])[];
  readonly q: readonly number[];
  /** Of each entry. */
  readonly bounds: readonly number[];
}

function solution(program: Program): readonly number[] {
  const exact = solve(program);
  // Rounding can make a singular P look positive definite; what comes out is then nowhere near.
  if (exact && isMinimum(exact, program)) return exact;
  const ridged = program.P.map((row, at) => row.map((value, column) => value + (column === at ? RIDGE : 0)));
  const close = solve({ ...program, P: ridged });
  if (!close) throw new Error('a quadratic program with a ridge has no solution');
  return close;
}

/** `null` where the library finds P not to be positive definite, or finds nothing. */
function solve({ P, q, bounds }: Program): readonly number[] | null {
  const fromOne = <T>(values: readonly T[]): T[] => [undefined as T, ...values];
  const normal = (value: number) => (Math.abs(value) < SMALLEST ? 0 : value);
  const identity = P.map((_, at) => fromOne(P.map((__, column) => (column === at ? 1 : 0))));
  const { solution, message } = solveQP(
    fromOne(P.map((row) => fromOne(row.map(normal)))),
    fromOne(q.map((value) => normal(-value))),
    fromOne(identity),
    fromOne(bounds.map(normal)),
  );
  return message === '' && solution.slice(1).every(Number.isFinite) ? solution.slice(1) : null;
}

function isMinimum(v: readonly number[], { P, q }: Program): boolean {
  return P.every(
    (row, at) => row.reduce((sum, value, column) => sum + value * v[column]!, q[at]!) >= -TOLERANCE,
  );
}
