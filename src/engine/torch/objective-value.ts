/**
 * An objective's value and its derivatives with respect to sequence log-probs, by the reference kernels in float64:
 * what the worker's backward pass starts from. The worker knows no objective.
 */
import type { Objective } from '../../objective/objective.ts';
import { evaluate } from '../../tensor/evaluate.ts';
import { input, sum } from '../../tensor/functions.ts';
import { gradients } from '../../tensor/gradient.ts';
import type { Value } from '../../tensor/operation.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** A number for each row in every field. */
export interface ObjectiveRows {
  readonly chosen: Float64Array;
  /** Zeros for an objective that reads chosen responses only. */
  readonly rejected: Float64Array;
  readonly chosenLength: Float64Array;
  readonly rejectedLength: Float64Array;
  readonly constants: Readonly<Record<string, Float64Array>>;
}

export interface ObjectiveValue {
  /** The sum of the row losses. */
  readonly loss: number;
  /** d loss / d log-prob, row by row. */
  readonly chosen: Float64Array;
  readonly rejected: Float64Array;
}

/** @throws {Error} for a constant that the objective names and `rows` lacks */
export function objectiveValue(objective: Objective, rows: ObjectiveRows): ObjectiveValue {
  const given = new Map<Tensor, Value>();
  const vector = (name: string, data: Float64Array): Tensor => {
    const tensor = input(name, ['rows']);
    given.set(tensor, { shape: [data.length], data });
    return tensor;
  };
  const chosenLogp = vector('chosen_logp', rows.chosen);
  const rejectedLogp = vector('rejected_logp', rows.rejected);
  const constants = new Map(
    objective.constants.map((name) => {
      const data = rows.constants[name];
      if (!data) throw new Error(`no value of the constant "${name}"`);
      return [name, vector(name, data)] as const;
    }),
  );
  const losses = objective.expression({
    chosenLogp,
    rejectedLogp,
    chosenLength: vector('chosen_length', rows.chosenLength),
    rejectedLength: vector('rejected_length', rows.rejectedLength),
    constant: (name) => {
      const constant = constants.get(name);
      if (constant) return constant;
      throw new Error(`the objective ${objective.name} does not declare the constant "${name}"`);
    },
  });
  const loss = sum(losses);
  const results = evaluate([loss, ...gradients(loss, [chosenLogp, rejectedLogp])], given);
  const [value, chosen, rejected] = results as [Value, Value, Value];
  return { loss: value.data[0]!, chosen: chosen.data, rejected: rejected.data };
}
