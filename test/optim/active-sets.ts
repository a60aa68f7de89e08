/**
 * A quadratic program with one lower bound, solved by trying which unknowns lie at the bound: all 2ⁿ sets, each
 * solved by elimination, until the conditions of a minimum hold. Slow, and nothing like what src/ calls.
 */
export function minimiseByActiveSets(bound: number, P: readonly number[][], q: readonly number[]): number[] {
  const all = P.map((_, at) => at);
  const tolerance = 1e-9 * (1 + Math.max(...P.flat().map(Math.abs), ...q.map(Math.abs)));
  for (let set = 0; set < 2 ** all.length; set++) {
    const free = all.filter((at) => ((set >> at) & 1) === 0);
    const fixed = all.filter((at) => !free.includes(at));
    const right = free.map((row) => -q[row]! - fixed.reduce((sum, at) => sum + P[row]![at]! * bound, 0));
    const solved = eliminate(
      free.map((row) => free.map((column) => P[row]![column]!)),
      right,
    );
    if (!solved) continue;
    const v = all.map((at) => (free.includes(at) ? solved[free.indexOf(at)]! : bound));
    const slope = P.map((row, at) => row.reduce((sum, value, column) => sum + value * v[column]!, q[at]!));
    const isMinimum = all.every((at) => v[at]! >= bound - tolerance && slope[at]! >= -tolerance);
    if (isMinimum) return v;
  }
  throw new Error('no set of active bounds gives a minimum');
}

/** Gaussian elimination with pivoting; `null` for a singular matrix. */
function eliminate(matrix: number[][], right: readonly number[]): number[] | null {
  const rows = matrix.map((row, at) => [...row, right[at]!]);
  for (let at = 0; at < rows.length; at++) {
    const order = rows.slice(at).sort((a, b) => Math.abs(b[at]!) - Math.abs(a[at]!));
    rows.splice(at, order.length, ...order);
    const pivot = rows[at]!;
    if (Math.abs(pivot[at]!) < 1e-12) return null;
    rows.forEach((row, other) => {
      if (other === at) return;
      const factor = row[at]! / pivot[at]!;
      for (let column = at; column < row.length; column++) row[column]! -= factor * pivot[column]!;
    });
  }
  return rows.map((row, at) => row.at(-1)! / row[at]!);
}
