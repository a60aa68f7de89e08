/** One optimizer step: effective batch -> gradients -> the method's -> clipped -> new adapter, and what it looked like. */
import type { RowLogProbs } from '../engine/engine.ts';
import { type Gradients, type MethodRun, policyAdapter, trainedPart } from '../method/method.ts';
import { type Adapter, mapAdapter } from '../model/adapter.ts';
import type { AdamW } from '../optim/adamw.ts';
import { clipGlobalNorm } from '../optim/clip.ts';
import { Diverged } from './divergence.ts';
import { batchGradients, type GradientPass } from './gradient-pass.ts';

export interface StepRequest extends GradientPass {
  readonly method: MethodRun;
  readonly optimizer: AdamW;
  readonly learningRate: number;
  readonly maxGradNorm: number;
}

export interface StepResult {
  readonly adapter: Adapter;
  /** The objective's. */
  readonly loss: number;
  /** What the method's penalty added to it; `null` where it has none. */
  readonly penalty: number | null;
  /** Of what the step was taken with, before clipping. */
  readonly gradNorm: number;
  readonly logps: RowLogProbs;
  /** Covered by the gradient pass; prompt tokens count once for each response run. */
  readonly tokens: number;
}

/**
 * @throws {Diverged} if loss, gradient, log-probs or new values are not finite: from there on nothing can be
 *   learned.
 */
export async function trainStep(request: StepRequest): Promise<StepResult> {
  const { method, adapter, optimizer } = request;
  const result = await batchGradients(request);
  const { loss, logps } = result;

  // From here on nothing is awaited: what the method remembers of a step belongs to a step that is taken.
  const trained = trainedPart(method, adapter);
  const ofLoss = trainedGradients(method, adapter, result.gradients);
  const rows = request.rows.map(({ encoded }) => encoded);
  const penalty = method.penalty?.(trained, rows) ?? null;
  const penalised = penalty ? sumOf(ofLoss, penalty.gradients) : ofLoss;
  const changed = method.gradients?.(penalised) ?? penalised;
  const { norm, gradients } = clipGlobalNorm(changed, request.maxGradNorm);
  checkFinite(result, norm, penalty?.value ?? 0);

  const updated = optimizer.update(valuesOf(trained), gradients, request.learningRate);
  for (const [name, data] of updated) {
    if (!data.every(Number.isFinite)) throw diverged(`the new "${name}" is not finite`);
  }
  const next = mapAdapter(trained, (_, name) => updated.get(name)!);
  return {
    adapter: policyAdapter(method, next),
    loss,
    penalty: penalty?.value ?? null,
    gradNorm: norm,
    logps,
    tokens: result.tokens,
  };
}

/** Of a gradient for every matrix of the policy's adapter, that of what is trained. */
export function trainedGradients(method: MethodRun, adapter: Adapter, gradients: Gradients): Gradients {
  return valuesOf(
    trainedPart(
      method,
      mapAdapter(adapter, (_, name) => gradients.get(name)!),
    ),
  );
}

function valuesOf({ tensors }: Adapter): Gradients {
  return new Map(Array.from(tensors, ([name, { data }]) => [name, data]));
}

function sumOf(one: Gradients, other: Gradients): Gradients {
  return new Map(
    Array.from(one, ([name, values]) => {
      const added = other.get(name)!;
      return [name, values.map((value, at) => value + added[at]!)];
    }),
  );
}

function checkFinite(
  { loss, logps: { chosen, rejected } }: Pick<StepResult, 'loss' | 'logps'>,
  norm: number,
  penalty: number,
): void {
  if ([loss, penalty, norm, ...chosen, ...rejected].every(Number.isFinite)) return;
  const lowest = `${Math.min(...chosen, ...rejected)}`;
  throw diverged(
    `the loss is ${loss + penalty}, the gradient norm ${norm} and the lowest log-prob ${lowest}`,
  );
}

function diverged(found: string): Diverged {
  return new Diverged(`training diverged: ${found}; a lower learning rate may help`);
}
