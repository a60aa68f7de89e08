/** Values and gradients of an objective by the reference kernels, normalised as engines must. */
import type { Objective, ObjectiveInputs } from '../../src/objective/objective.ts';
import { evaluate } from '../../src/tensor/evaluate.ts';
import { divide, input, scalar, sum } from '../../src/tensor/functions.ts';
import { gradients } from '../../src/tensor/gradient.ts';
import type { Value } from '../../src/tensor/operation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { verifyGraph } from '../../src/tensor/verify.ts';

/** One number per row in every field. */
export interface LogProbBatch {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  readonly chosenLength: readonly number[];
  readonly rejectedLength: readonly number[];
  readonly constants: Readonly<Record<string, readonly number[]>>;
}

export interface ObjectiveValue {
  readonly rows: readonly number[];
  readonly loss: number;
  /** d loss / d sequence log-prob. */
  readonly chosenGradient: readonly number[];
  readonly rejectedGradient: readonly number[];
}

export function evaluateObjective(objective: Objective, batch: LogProbBatch): ObjectiveValue {
  const given = new Map<Tensor, Value>();
  const vector = (name: string, data: readonly number[]): Tensor => {
    const tensor = input(name, ['rows']);
    given.set(tensor, { shape: [data.length], data: Float64Array.from(data) });
    return tensor;
  };
  const chosenLogp = vector('chosen_logp', batch.chosen);
  const rejectedLogp = vector('rejected_logp', batch.rejected);
  const constants = new Map(
    objective.constants.map((name) => [name, vector(name, batch.constants[name] as readonly number[])]),
  );
  const inputs: ObjectiveInputs = {
    chosenLogp,
    rejectedLogp,
    chosenLength: vector('chosen_length', batch.chosenLength),
    rejectedLength: vector('rejected_length', batch.rejectedLength),
    constant: (name) => {
      const tensor = constants.get(name);
      if (!tensor) throw new Error(`"${name}" is not among the objective's constants`);
      return tensor;
    },
  };
  const rows = objective.expression(inputs);
  const total =
    objective.normalizer === 'rows'
      ? batch.chosen.length
      : batch.chosenLength.reduce((tokens, length) => tokens + length, 0);
  const loss = divide(sum(rows), scalar(total));
  const outputs = [rows, loss, ...gradients(loss, [chosenLogp, rejectedLogp])];
  verifyGraph(outputs);
  const [rowValues, lossValue, chosen, rejected] = evaluate(outputs, given).map(({ data }) => [...data]);
  return {
    rows: rowValues as number[],
    loss: lossValue?.[0] as number,
    chosenGradient: chosen as number[],
    rejectedGradient: rejected as number[],
  };
}

/** A batch of one row; reference log-probs default to those of the policy, lengths to 1. */
export function oneRow(
  row: { chosen: number; rejected: number } & Partial<{
    referenceChosen: number;
    referenceRejected: number;
    chosenLength: number;
    rejectedLength: number;
    kl: number;
  }>,
): LogProbBatch {
  return {
    chosen: [row.chosen],
    rejected: [row.rejected],
    chosenLength: [row.chosenLength ?? 1],
    rejectedLength: [row.rejectedLength ?? 1],
    constants: {
      reference_chosen: [row.referenceChosen ?? row.chosen],
      reference_rejected: [row.referenceRejected ?? row.rejected],
      kl: [row.kl ?? 0],
    },
  };
}
