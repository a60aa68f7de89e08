/**
 * Consolidation of a whole adapter, matrix by matrix or module by module, and the history it is held against. The
 * train loop calls this at the end of each stage, the command line on adapters from any trainer.
 */
import {
  type LoraAdapter,
  type LoraTensor,
  loraTensorName,
  mapAdapter,
  parseLoraTensorName,
} from '../model/adapter.ts';
import { UserError } from '../support/errors.ts';
import {
  type ConsolidationSettings,
  checkConsolidationSettings,
  consolidateMatrix,
  type MatrixReport,
} from './consolidate.ts';
import { consolidateModule, type ModuleFactors } from './consolidate-product.ts';
import { MatrixHistory } from './history.ts';
import { ProductHistory } from './product-history.ts';

/**
 * The refined memories of all finished stages. It is decided by the list of them alone: a resumed run
 * that appends the same adapters in the same order has the same history, bit for bit.
 */
export class MemoryHistory {
  readonly #refined: LoraAdapter[] = [];
  /** Made of the list when they are first asked for: a run works in one space, and the other costs nothing. */
  readonly #matrices = new Map<string, MatrixHistory>();
  readonly #products = new Map<string, ProductHistory>();

  /** One a stage, oldest first: what a checkpoint keeps. */
  get refined(): readonly LoraAdapter[] {
    return this.#refined;
  }

  /** @throws {UserError} naming the tensor in which `refined` differs from the stages before it. */
  append(refined: LoraAdapter): void {
    const first = this.#refined[0];
    if (first !== undefined) checkSameMatrices(first, refined, 'the history', 'the refined memory');
    this.#refined.push(refined);
    for (const [name, matrix] of this.#matrices) matrix.append(refined.tensors.get(name)!.data);
    for (const [path, product] of this.#products) product.append(...sidesOf(refined, path));
  }

  /** The history of one LoRA matrix; empty before the first stage. */
  matrix(name: string): MatrixHistory {
    const known = this.#matrices.get(name);
    if (known) return known;
    const matrix = new MatrixHistory();
    for (const { tensors } of this.#refined) matrix.append(tensors.get(name)!.data);
    this.#matrices.set(name, matrix);
    return matrix;
  }

  /** The history of one module's product B·A, by the module's place in the model. */
  product(modulePath: string): ProductHistory {
    const known = this.#products.get(modulePath);
    if (known) return known;
    const product = new ProductHistory();
    for (const refined of this.#refined) product.append(...sidesOf(refined, modulePath));
    this.#products.set(modulePath, product);
    return product;
  }
}

function sidesOf({ tensors }: LoraAdapter, path: string): [b: LoraTensor, a: LoraTensor] {
  return [tensors.get(loraTensorName(path, 'B'))!, tensors.get(loraTensorName(path, 'A'))!];
}

export interface Consolidation {
  /** The long-term memory after the stage. */
  readonly adapter: LoraAdapter;
  /** The stage's refined short-term memory, to append to the history once the stage is kept. */
  readonly refined: LoraAdapter;
  /** By tensor name; in product space by the module's place in the model. */
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

  for (const [name, { data }] of before.tensors) checkFinite(data, name, 'before the stage');
  for (const [name, { data }] of after.tensors) checkFinite(data, name, 'after the stage');
  const isProduct = settings.space === 'product';
  const parts = isProduct
    ? modulePaths(after).map((path) => consolidatedModule(before, after, path, history, settings))
    : Array.from(after.tensors.keys(), (name) => consolidatedMatrix(before, after, name, history, settings));
  const adapter = assembled(after, parts, ({ longTerm }) => longTerm);
  const refined = assembled(after, parts, (part) => part.refined);
  for (const [name, { data }] of adapter.tensors) checkFinite(data, name, 'after consolidation');
  for (const [name, { data }] of refined.tensors) checkFinite(data, name, 'in the refined memory');
  return { adapter, refined, reports: new Map(parts.map(({ name, report }) => [name, report])) };
}

/** What was consolidated at once, by the names of the tensors it is made of. */
interface Part {
  readonly name: string;
  readonly longTerm: ReadonlyMap<string, Float32Array>;
  readonly refined: ReadonlyMap<string, Float32Array>;
  readonly report: MatrixReport;
}

function consolidatedMatrix(
  before: LoraAdapter,
  after: LoraAdapter,
  name: string,
  history: MemoryHistory,
  settings: ConsolidationSettings,
): Part {
  const [lm, trained] = [before.tensors.get(name)!, after.tensors.get(name)!];
  const { longTerm, refined, report } = consolidateMatrix(lm, trained, history.matrix(name), settings);
  return { name, longTerm: new Map([[name, longTerm]]), refined: new Map([[name, refined]]), report };
}

function consolidatedModule(
  before: LoraAdapter,
  after: LoraAdapter,
  path: string,
  history: MemoryHistory,
  settings: ConsolidationSettings,
): Part {
  const factorsOf = (adapter: LoraAdapter): ModuleFactors => {
    const [b, a] = sidesOf(adapter, path);
    return { b, a };
  };
  const result = consolidateModule(factorsOf(before), factorsOf(after), history.product(path), settings);
  const named = ({ a, b }: ModuleFactors) =>
    new Map([
      [loraTensorName(path, 'A'), a.data],
      [loraTensorName(path, 'B'), b.data],
    ]);
  const { longTerm, refined, report } = result;
  return { name: path, longTerm: named(longTerm), refined: named(refined), report };
}

/** In the adapter's order. @throws {UserError} for a tensor that has no other side to be multiplied with. */
function modulePaths({ tensors }: LoraAdapter): string[] {
  const paths = Array.from(tensors.keys(), (name) => {
    const parsed = parseLoraTensorName(name);
    const other = parsed && loraTensorName(parsed.modulePath, parsed.side === 'A' ? 'B' : 'A');
    if (other === undefined || !tensors.has(other)) {
      throw new UserError(
        `tensor "${name}" has no other LoRA matrix beside it: no product can be consolidated`,
      );
    }
    return parsed!.modulePath;
  });
  return [...new Set(paths)];
}

function assembled(
  like: LoraAdapter,
  parts: readonly Part[],
  of: (part: Part) => ReadonlyMap<string, Float32Array>,
): LoraAdapter {
  const values = new Map(parts.flatMap((part) => [...of(part)]));
  return mapAdapter(like, (_, name) => values.get(name)!);
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
