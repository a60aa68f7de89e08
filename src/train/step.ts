/** One optimizer step: effective batch -> gradients -> clipped -> new adapter, and what it looked like. */
import type { Backward, Engine, RowLogProbs } from '../engine/engine.ts';
import { type Adapter, mapAdapter } from '../model/adapter.ts';
import { klEstimate, unmatchedRows } from '../objective/kl-estimate.ts';
import type { Objective } from '../objective/objective.ts';
import type { AdamW } from '../optim/adamw.ts';
import { clipGlobalNorm } from '../optim/clip.ts';
import { UserError } from '../support/errors.ts';
import type { EncodedRow } from '../text/encoded-row.ts';

/** A row to train on. */
export interface StageRow {
  readonly encoded: EncodedRow;
  /** Log-probs under the reference; `null` where the objective reads none. */
  readonly reference: { readonly chosen: number; readonly rejected: number } | null;
}

export interface StepRequest {
  readonly engine: Engine;
  readonly objective: Objective;
  readonly rows: readonly StageRow[];
  readonly adapter: Adapter;
  /** The reference policy's adapter, for what cannot be known per row; `null`: the base. */
  readonly referenceAdapter: Adapter | null;
  readonly backward: Backward;
  readonly optimizer: AdamW;
  readonly learningRate: number;
  readonly maxGradNorm: number;
  /** The most tokens of prompt and longer response; all rows keep to it. */
  readonly maxLength: number;
  readonly signal: AbortSignal | undefined;
}

export interface StepResult {
  readonly adapter: Adapter;
  readonly loss: number;
  /** Before clipping. */
  readonly gradNorm: number;
  readonly logps: RowLogProbs;
  /** Covered by the gradient pass; prompt tokens count once for each response run. */
  readonly tokens: number;
}

/**
 * @throws {UserError} if loss, gradient, log-probs or new values are not finite: from there on nothing can be
 *   learned.
 */
export async function trainStep(request: StepRequest): Promise<StepResult> {
  const { engine, objective, adapter, backward, optimizer, signal } = request;
  const rows = request.rows.map((row) => row.encoded);
  const constants = await rowConstants(request);
  let tokens = 0;
  const result = await engine.gradients(
    { rows, adapter, objective, backward, constants },
    { onProgress: (count) => (tokens += count), ...(signal ? { signal } : {}) },
  );
  const { norm, gradients } = clipGlobalNorm(result.gradients, request.maxGradNorm);
  const { chosen, rejected } = result.logps;
  if (![result.loss, norm, ...chosen, ...rejected].every(Number.isFinite)) {
    const lowest = `${Math.min(...chosen, ...rejected)}`;
    throw diverged(`the loss is ${result.loss}, the gradient norm ${norm} and the lowest log-prob ${lowest}`);
  }
  const values = new Map(Array.from(adapter.tensors, ([name, { data }]) => [name, data]));
  const updated = optimizer.update(values, gradients, request.learningRate);
  for (const [name, data] of updated) {
    if (!data.every(Number.isFinite)) throw diverged(`the new "${name}" is not finite`);
  }
  return {
    adapter: mapAdapter(adapter, (_, name) => updated.get(name)!),
    loss: result.loss,
    gradNorm: norm,
    logps: result.logps,
    tokens,
  };
}

function diverged(found: string): UserError {
  return new UserError(`training diverged: ${found}; a lower learning rate may help`, { exitCode: 1 });
}

/** The per-row constants that the objective names. */
async function rowConstants(request: StepRequest): Promise<Record<string, Float64Array>> {
  const makers: Record<string, () => Promise<Float64Array> | Float64Array> = {
    reference_chosen: () => Float64Array.from(request.rows, (row) => row.reference!.chosen),
    reference_rejected: () => Float64Array.from(request.rows, (row) => row.reference!.rejected),
    kl: () => klConstant(request),
  };
  const constants: Record<string, Float64Array> = {};
  for (const name of request.objective.constants) {
    const make = makers[name];
    if (!make) throw new Error(`the objective ${request.objective.name} reads an unknown constant "${name}"`);
    constants[name] = await make();
  }
  return constants;
}

/** KTO's reference point, a statistic of the effective batch: two scoring passes before the gradient. */
async function klConstant({
  engine,
  rows,
  adapter,
  referenceAdapter,
  maxLength,
  signal,
}: StepRequest): Promise<Float64Array> {
  const estimate = new Float64Array(rows.length);
  if (rows.length === 1) return estimate;
  const encoded = rows.map((row) => row.encoded);
  const unmatched = unmatchedRows(encoded, maxLength);
  const options = signal ? { signal } : {};
  const policy = await engine.score(unmatched, adapter, options);
  const reference = await engine.score(unmatched, referenceAdapter, options);
  return estimate.fill(klEstimate(policy, reference));
}
