/** The two graphs the engine runs: scoring, and one forward-and-backward pass of an objective. */
import type { DecoderConfig } from '../../model/config.ts';
import type { Recompute } from '../../model/graph/decoder.ts';
import { batchInputs, type LayoutOptions } from '../../model/graph/layout.ts';
import { type AdapterShape, type Backward, Parameters } from '../../model/graph/parameters.ts';
import { sequenceLogProbs } from '../../model/graph/sequence-log-probs.ts';
import type { Objective } from '../../objective/objective.ts';
import { input, multiply, reshape, split, sum, zerosLike } from '../../tensor/functions.ts';
import { gradients } from '../../tensor/gradient.ts';
import { inPart } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/**
 * Log-probs of every response: output `logps`, [pairs · responses].
 *
 * @param trained names of base tensors that are inputs of the graph instead of weights in a file
 */
export function scoringGraph(
  config: DecoderConfig,
  layout: LayoutOptions,
  adapter: AdapterShape | null,
  trained?: ReadonlySet<string>,
): Record<string, Tensor> {
  return { logps: sequenceLogProbs(config, batchInputs(layout), new Parameters(adapter, trained)) };
}

/** The name of a per-row constant's input. */
export const constantName = (name: string): string => `constant.${name}`;

/** The name of a gradient's output. */
export const gradientName = (name: string): string => `gradient.${name}`;

export interface GradientOptions {
  readonly recompute: Recompute;
  /** `float32` unless told. */
  readonly backward?: Backward;
  /** Names of base tensors that are inputs of the graph instead of weights in a file. */
  readonly trained?: ReadonlySet<string>;
}

/**
 * Outputs `loss` [1], `logps` [pairs · responses] and a gradient for every tensor of the adapter and
 * every base tensor named in `trained`.
 * Beside the batch, inputs are the per-row constants, [pairs] each, `chosen_length`,
 * `rejected_length`, and `weight`, which the row losses are multiplied by before they are summed up.
 */
export function gradientGraph(
  config: DecoderConfig,
  layout: LayoutOptions,
  adapter: AdapterShape | null,
  objective: Objective,
  { recompute, backward, trained }: GradientOptions,
): Record<string, Tensor> {
  const { pairs } = layout;
  const parameters = new Parameters(adapter, trained, backward);
  const logps = sequenceLogProbs(config, batchInputs(layout), parameters, recompute);
  const [chosenLogp, rejectedLogp] = perResponse(logps, layout);
  const constants = new Map(objective.constants.map((name) => [name, input(constantName(name), [pairs])]));
  const rowLosses = inPart('objective', () =>
    objective.expression({
      chosenLogp,
      rejectedLogp: rejectedLogp ?? zerosLike(chosenLogp),
      chosenLength: input('chosen_length', [pairs]),
      rejectedLength: input('rejected_length', [pairs]),
      constant: (name) => {
        const constant = constants.get(name);
        if (!constant) {
          throw new Error(`the objective ${objective.name} does not declare the constant "${name}"`);
        }
        return constant;
      },
    }),
  );
  const loss = inPart('objective', () => sum(multiply(rowLosses, input('weight', [pairs]))));
  const trainable = [...parameters.trainable].reverse();
  const results = gradients(
    loss,
    trainable.map(([, tensor]) => tensor),
  );
  // Last layer first: the order of the outputs is the order in which the runtime finishes them, and
  // what a gradient holds on to is freed with it.
  const named = trainable.map(([name], at) => [gradientName(name), results[at] as Tensor] as const);
  return { ...Object.fromEntries(named), loss, logps };
}

/** [pairs · responses] as one vector [pairs] per response. */
function perResponse(logps: Tensor, { pairs, responses }: LayoutOptions): readonly [Tensor, Tensor?] {
  if (responses === 'chosen') return [logps];
  const columns = split(reshape(logps, [pairs, 2]), [1, 1], 1);
  return columns.map((column) => reshape(column, [pairs])) as [Tensor, Tensor];
}
