/** quadprog has no types of its own. Its arrays count from 1, as the Fortran it comes from does. */
declare module 'quadprog' {
  /** min ½ bᵀ D b − dᵀ b where Aᵀ b ≥ b₀. Writes into what it is given. */
  export function solveQP(
    D: number[][],
    d: number[],
    A: number[][],
    b0: number[],
  ): {
    readonly solution: number[];
    /** Empty where it was solved; the solution means nothing otherwise. */
    readonly message: string;
  };
}
