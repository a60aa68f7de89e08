/** One pass of the engine over an effective batch: rows and what the objective reads of each -> gradients. */
import type { Backward, Engine, GradientResult, RowLogProbs } from '../engine/engine.ts';
import type { RowWeighting } from '../method/method.ts';
import type { Adapter } from '../model/adapter.ts';
import { klEstimate, unmatchedRows } from '../objective/kl-estimate.ts';
import type { Objective } from '../objective/objective.ts';
import type { EncodedRow } from '../text/encoded-row.ts';

/** Of both responses of a row, sums over their tokens. */
export interface PairLogProbs {
  readonly chosen: number;
  readonly rejected: number;
}

/** A row to train on. */
export interface StageRow {
  readonly encoded: EncodedRow;
  /** Under the reference policy; `null` where neither objective nor method reads it. */
  readonly reference: PairLogProbs | null;
  /** Under the policy as the task found it; `null` where the method does not read it. */
  readonly taskStart: PairLogProbs | null;
}

export interface GradientPass {
  readonly engine: Engine;
  readonly objective: Objective;
  readonly rows: readonly StageRow[];
  readonly adapter: Adapter;
  /** The reference policy's adapter, for what cannot be known per row; `null`: the base. */
  readonly referenceAdapter: Adapter | null;
  /** `null` where all rows weigh the same. */
  readonly weighting: RowWeighting | null;
  readonly backward: Backward;
  /** The most tokens of a row's own, prompt and longer response; all rows keep to it. */
  readonly maxLength: number;
  readonly signal: AbortSignal | undefined;
}

/** The engine's answer, and the tokens it covered; prompt tokens count once for each response run. */
export async function batchGradients(
  pass: GradientPass,
): Promise<GradientResult & { readonly tokens: number }> {
  const { engine, objective, adapter, backward } = pass;
  const constants = await rowConstants(pass);
  let tokens = 0;
  const result = await engine.gradients(
    { rows: encodedRows(pass), adapter, objective, backward, constants },
    { onProgress: (count) => (tokens += count), ...signalOf(pass) },
  );
  return { ...result, tokens };
}

/** The per-row constants that the objective names. */
async function rowConstants(pass: GradientPass): Promise<Record<string, Float64Array>> {
  const { objective, rows } = pass;
  const weights = await weightConstants(pass);
  const makers: Record<string, () => Promise<Float64Array> | Float64Array> = {
    reference_chosen: () => Float64Array.from(rows, (row) => row.reference!.chosen),
    reference_rejected: () => Float64Array.from(rows, (row) => row.reference!.rejected),
    kl: () => klConstant(pass),
  };
  const constants: Record<string, Float64Array> = {};
  for (const name of objective.constants) {
    const values = weights[name] ?? (await makers[name]?.());
    if (!values) throw new Error(`the objective ${objective.name} reads an unknown constant "${name}"`);
    constants[name] = values;
  }
  return constants;
}

/** Weights are decided by statistics of the effective batch: a scoring pass before the gradient. */
async function weightConstants(pass: GradientPass): Promise<Readonly<Record<string, Float64Array>>> {
  const { weighting, engine, adapter, rows } = pass;
  if (!weighting) return {};
  return weighting.constants({
    policy: await engine.score(encodedRows(pass), adapter, signalOf(pass)),
    reference: rowLogProbs(rows.map((row) => row.reference!)),
    taskStart: rowLogProbs(rows.map((row) => row.taskStart!)),
  });
}

/** KTO's reference point, a statistic of the effective batch: two scoring passes before the gradient. */
async function klConstant(pass: GradientPass): Promise<Float64Array> {
  const { engine, rows, adapter, referenceAdapter, maxLength } = pass;
  const estimate = new Float64Array(rows.length);
  if (rows.length === 1) return estimate;
  const unmatched = unmatchedRows(encodedRows(pass), maxLength);
  const policy = await engine.score(unmatched, adapter, signalOf(pass));
  const reference = await engine.score(unmatched, referenceAdapter, signalOf(pass));
  return estimate.fill(klEstimate(policy, reference));
}

function encodedRows({ rows }: GradientPass): readonly EncodedRow[] {
  return rows.map((row) => row.encoded);
}

function rowLogProbs(pairs: readonly PairLogProbs[]): RowLogProbs {
  return {
    chosen: Float64Array.from(pairs, ({ chosen }) => chosen),
    rejected: Float64Array.from(pairs, ({ rejected }) => rejected),
  };
}

function signalOf({ signal }: GradientPass): { readonly signal?: AbortSignal } {
  return signal ? { signal } : {};
}
