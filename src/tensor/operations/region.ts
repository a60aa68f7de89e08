/** A stretch of graph that is forgotten after the forward pass and run again in the backward pass. */
import { printShape, sameShape } from '../dimension.ts';
import { evaluate } from '../evaluate.ts';
import { pullback } from '../gradient.ts';
import type { Operation } from '../operation.ts';
import { inScope, type Pass } from '../scope.ts';
import { applyOperation, type Node, nodesOf, type Tensor } from '../tensor.ts';
import { barrier } from './shape.ts';
import { input, inputOperation, weightOperation } from './source.ts';

interface RegionBody {
  /** How many of the inputs are activations; the rest is what the body captured. */
  readonly activations: number;
  /** What the node's inputs stand in for. */
  readonly parameters: readonly Tensor[];
  readonly results: readonly Tensor[];
}

/** The results with the parameters replaced: nodes that depend on none are shared, not copied. */
function instantiate(
  { parameters, results }: Omit<RegionBody, 'activations'>,
  inputs: readonly Tensor[],
  pass: Pass,
): readonly Tensor[] {
  const replaced = new Map<Tensor, Tensor>(parameters.map((one, at) => [one, inputs[at] as Tensor]));
  const current = (tensor: Tensor) => replaced.get(tensor) ?? tensor;
  for (const node of nodesOf(results, replaced)) {
    if (!node.inputs.some((one) => replaced.has(one))) continue;
    const copies = inScope({ ...node.scope, pass }, () =>
      applyOperation(node.operation, node.inputs.map(current), node.attributes),
    );
    node.outputs.forEach((output, at) => {
      replaced.set(output, copies[at] as Tensor);
    });
  }
  return results.map(current);
}

export const regionOperation: Operation<RegionBody> = {
  name: 'region',
  shape: (inputs, { parameters, results }) => {
    const fits =
      inputs.length === parameters.length &&
      parameters.every(
        ({ shape, dataType }, at) =>
          sameShape(shape, inputs[at]?.shape ?? []) && dataType === inputs[at]?.dataType,
      );
    if (!fits) {
      const list = (tensors: readonly Pick<Tensor, 'shape' | 'dataType'>[]) =>
        tensors.map(({ shape, dataType }) => `${dataType} ${printShape(shape)}`).join(', ');
      throw new Error(`region of (${list(parameters)}) given (${list(inputs)})`);
    }
    return results.map(({ shape, dataType }) => ({ shape, dataType }));
  },
  gradient: (node, cotangents, needs) => {
    const trigger = cotangents.find((cotangent) => cotangent !== null) as Tensor;
    // With the activations everything computed from them is held back.
    const { activations } = node.attributes;
    const inputs = node.inputs.map((tensor, at) => (at < activations ? barrier(tensor, trigger) : tensor));
    // A tensor that is passed or captured twice gets its whole cotangent once.
    const wanted = inputs.map((tensor, at) => needs[at] === true && inputs.indexOf(tensor) === at);
    const found = pullback(
      instantiate(node.attributes, inputs, 'again'),
      cotangents,
      inputs.filter((_, at) => wanted[at]),
      new Set(inputs),
    ).values();
    const results = wanted.map((one) => (one ? (found.next().value as Tensor) : null));
    // The runtime puts off what nothing waits for: gradients of parameters would be made when the pass has ended, and
    // all that they are made of would be there until then.
    const ofParameters = results.slice(activations).filter((result) => result !== null);
    const at = results.findIndex((result) => result !== null);
    if (at >= activations || ofParameters.length === 0) return results;
    return results.with(at, barrier(results[at] as Tensor, ...ofParameters));
  },
  lower: (node, lowering) =>
    instantiate(node.attributes, node.inputs, node.scope.pass).map((result) => lowering.nameOf(result)),
  evaluate: (values, { parameters, results }) =>
    evaluate(results, new Map(parameters.map((one, at) => [one, values[at] as (typeof values)[number]]))),
};

/** The inside of a region's node; undefined for other nodes. */
export function regionBody(node: Node): RegionBody | undefined {
  return node.operation === (regionOperation as Operation) ? (node.attributes as RegionBody) : undefined;
}

/** What the results use from outside: tensors made before the parameters, inputs and weights made since. */
function captured(results: readonly Tensor[], parameters: readonly Tensor[]): readonly Tensor[] {
  const [first] = parameters as readonly [Tensor];
  const seen = new Set(parameters);
  const outside: Tensor[] = [];
  const stack = [...results];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    const { node } = tensor;
    const isGiven = [inputOperation, weightOperation].includes(node.operation as typeof inputOperation);
    if (node.order < first.node.order || isGiven) outside.push(tensor);
    else stack.push(...node.inputs);
  }
  return outside.sort((a, b) => a.node.order - b.node.order || a.output - b.output);
}

/**
 * Runs `body` on the inputs, activations. Only they and what the results are used for are kept for the backward
 * pass, which computes the inside again as far as it needs it: memory for time. [Chen et al. 2016,
 * arXiv:1604.06174] Tensors that the body captures become further inputs: gradients reach them too.
 */
export function region(
  inputs: readonly [Tensor, ...Tensor[]],
  body: (...inputs: Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const parameters = inputs.map((tensor, at) => input(`region.${at}`, tensor.shape, tensor.dataType));
  const results = body(...parameters);
  const further = captured(results, parameters);
  return applyOperation(regionOperation, [...inputs, ...further], {
    activations: inputs.length,
    parameters: [...parameters, ...further],
    results,
  });
}
