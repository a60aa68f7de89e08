/**
 * Consolidation of a whole adapter, matrix by matrix, and the history it is held against. The train
 * loop calls this at the end of each stage, the command line on adapters from any trainer.
 */
import { type LoraAdapter, type LoraTensor, mapAdapter } from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import {
  type ConsolidationSettings,
  checkConsolidationSettings,
  consolidateMatrix,
  type MatrixReport,
} from './consolidate.ts';
import { MatrixHistory } from './history.ts';

/**
 * The refined memories of all finished stages. It is decided by the list of them alone: a resumed run
 * that appends the same adapters in the same order has the same history, bit for bit.
 */
export class MemoryHistory {
  readonly #refined: LoraAdapter[] = [];
  readonly #matrices = new Map<string, MatrixHistory>();

  /** One a stage, oldest first: what a checkpoint keeps. */
  get refined(): readonly LoraAdapter[] {
    return this.#refined;
  }

  /** @throws {UserError} naming the tensor in which `refined` differs from the stages before it. */
  append(refined: LoraAdapter): void {
    const first = this.#refined[0];
    if (first !== undefined) checkSameMatrices(first, refined, 'the history', 'the refined memory');
    this.#refined.push(refined);
    for (const [name, tensor] of refined.tensors) {
      const matrix = this.#matrices.get(name) ?? new MatrixHistory();
      matrix.append(tensor.data);
      this.#matrices.set(name, matrix);
    }
  }

  /** The history of one LoRA matrix; empty before the first stage. */
  matrix(name: string): MatrixHistory {
    return this.#matrices.get(name) ?? new MatrixHistory();
  }
}

export interface Consolidation {
  /** The long-term memory after the stage. */
  readonly adapter: LoraAdapter;
  /** The stage's refined short-term memory, to append to the history once the stage is kept. */
  readonly refined: LoraAdapter;
  /** By tensor name. */
  readonly reports: ReadonlyMap<string, MatrixReport>;
}

/**
 * Consolidates what a stage changed. `history` is left as it is: the caller appends `refined` when it
 * keeps the stage.
 *
 * @throws {UserError} for settings out of range, adapters that differ in a tensor or in alpha, or
 *   values that are not finite (a stage that diverged) or leave float32's range.
 */
export function consolidateAdapter(
  before: LoraAdapter,
  after: LoraAdapter,
  history: MemoryHistory,
  settings: ConsolidationSettings,
): Consolidation {
  checkConsolidationSettings(settings);
  checkSameMatrices(before, after, 'the adapter before the stage', 'the adapter after it');
  const first = history.refined[0];
  if (first !== undefined) checkSameMatrices(before, first, 'the adapter before the stage', 'the history');

  const refined = new Map<string, Float32Array>();
  const reports = new Map<string, MatrixReport>();
  const adapter = mapAdapter(after, (tensor, name) => {
    const lm = before.tensors.get(name) as LoraTensor;
    checkFinite(lm.data, name, 'before the stage');
    checkFinite(tensor.data, name, 'after the stage');
    const result = consolidateMatrix(lm, tensor, history.matrix(name), settings);
    checkFinite(result.longTerm, name, 'after consolidation');
    checkFinite(result.refined, name, 'in the refined memory');
    refined.set(name, result.refined);
    reports.set(name, result.report);
    return result.longTerm;
  });
  return { adapter, refined: mapAdapter(after, (_, name) => refined.get(name) as Float32Array), reports };
}

/**
 * Two adapters can be added and projected only if they have the same matrices and scale them alike.
 *
 * @throws {UserError} naming the first tensor, and which of the two lacks it or has another shape.
 */
export function checkSameMatrices(a: LoraAdapter, b: LoraAdapter, nameOfA: string, nameOfB: string): void {
  for (const [name, { shape }] of a.tensors) {
    const other = b.tensors.get(name);
    if (other === undefined) throw new UserError(`${nameOfB}: tensor "${name}" of ${nameOfA} is missing`);
    if (other.shape[0] !== shape[0] || other.shape[1] !== shape[1]) {
      throw new UserError(
        `${nameOfB}: tensor "${name}" is [${other.shape.join(', ')}], in ${nameOfA} it is [${shape.join(', ')}]`,
      );
    }
  }
  for (const name of b.tensors.keys()) {
    if (!a.tensors.has(name)) throw new UserError(`${nameOfA}: tensor "${name}" of ${nameOfB} is missing`);
  }
  if (a.settings.alpha !== b.settings.alpha) {
    throw new UserError(
      `${nameOfB}: lora_alpha is ${b.settings.alpha}, in ${nameOfA} it is ${a.settings.alpha}: ` +
        'their matrices are scaled differently',
    );
  }
}

function checkFinite(values: Float32Array, name: string, when: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad === -1) return;
  throw new UserError(`tensor "${name}" ${when}: the value at index ${bad} is ${values[bad]}, not finite`);
}
