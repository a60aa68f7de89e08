/**
 * Where an adapter meets a model: which linear modules its targets name, a fresh adapter for them,
 * and whether an existing one fits. Names and shapes decide; which base a file claims does not.
 */
import { UserError } from '../support/errors.ts';
import { didYouMean } from '../support/nearest-name.ts';
import type { Random } from '../support/random.ts';
import {
  compareModulePaths,
  isTarget,
  type LoraAdapter,
  type LoraSettings,
  type LoraTensor,
  loraTensorName,
  parseLoraTensorName,
} from './adapter.ts';

/** A linear layer y = x Wᵀ of a model. */
export interface LinearModule {
  /** Its place in the model as transformers names it, for example `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/**
 * The modules that `targets` name, in an adapter's order. As in PEFT a target is a module's path or
 * the end of it after a dot: `q_proj`, `self_attn.q_proj`, `model.layers.0.self_attn.q_proj`.
 *
 * @throws {UserError} for no targets, or one that names no module.
 */
function matchTargets(modules: readonly LinearModule[], targets: readonly string[]): LinearModule[] {
  if (targets.length === 0)
    throw new UserError('lora targets: expected at least one module name, found none');
  for (const target of targets) {
    if (modules.some((module) => isTarget(target, module.path))) continue;
    const known = [...new Set(modules.map((module) => lastName(module.path)))];
    throw new UserError(
      `lora target "${target}" matches no linear module of the model; it has ${known.join(', ')}.` +
        didYouMean(target, known),
    );
  }
  return modules
    .filter((module) => targets.some((target) => isTarget(target, module.path)))
    .sort((a, b) => compareModulePaths(a.path, b.path));
}

/** @throws {UserError} unless rank is an integer of at least 1 and alpha a positive number. */
function checkLoraSettings({ rank, alpha }: LoraSettings): void {
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new UserError(`lora rank: expected an integer of at least 1, found ${rank}`);
  }
  if (!Number.isFinite(alpha) || alpha <= 0) {
    throw new UserError(`lora alpha: expected a positive number, found ${alpha}`);
  }
}

/**
 * A fresh adapter, which adds nothing: A uniform in ±1/√in, as PEFT's Kaiming initialisation with
 * a = √5 comes out, and B zero. Each matrix has its own random stream, so targets can be added
 * without changing the others' start.
 *
 * @throws {UserError} for a bad rank or alpha, or a target that matches nothing.
 */
export function initialiseAdapter(
  settings: LoraSettings,
  modules: readonly LinearModule[],
  random: Random,
): LoraAdapter {
  checkLoraSettings(settings);
  const tensors = new Map<string, LoraTensor>();
  for (const { path, inFeatures, outFeatures } of matchTargets(modules, settings.targets)) {
    const name = loraTensorName(path, 'A');
    const stream = random.fork(name);
    const bound = 1 / Math.sqrt(inFeatures);
    const a = Float32Array.from(
      { length: settings.rank * inFeatures },
      () => (2 * stream.uniform() - 1) * bound,
    );
    tensors.set(name, { shape: [settings.rank, inFeatures], data: a });
    const b = new Float32Array(outFeatures * settings.rank);
    tensors.set(loraTensorName(path, 'B'), { shape: [outFeatures, settings.rank], data: b });
  }
  return { settings, tensors };
}

/**
 * @param source where the adapter came from, for the message
 * @throws {UserError} listing the adapter's modules that the model lacks or has in another shape.
 */
export function checkAdapterFits(
  adapter: LoraAdapter,
  modules: readonly LinearModule[],
  source: string,
): void {
  const byPath = new Map(modules.map((module) => [module.path, module]));
  const problems: string[] = [];
  for (const [name, { shape }] of adapter.tensors) {
    const parsed = parseLoraTensorName(name);
    const module = parsed && byPath.get(parsed.modulePath);
    if (parsed === undefined || module === undefined) {
      problems.push(`"${name}" belongs to no linear module of the model`);
      continue;
    }
    const { rank } = adapter.settings;
    const expected = parsed.side === 'A' ? [rank, module.inFeatures] : [module.outFeatures, rank];
    if (shape[0] !== expected[0] || shape[1] !== expected[1]) {
      problems.push(`"${name}" is [${shape.join(', ')}], the model needs [${expected.join(', ')}]`);
    }
  }
  if (problems.length === 0) return;
  const shown = problems.slice(0, 4).join('; ');
  const more = problems.length > 4 ? `; and ${problems.length - 4} more` : '';
  throw new UserError(`${source}: the adapter does not fit the model: ${shown}${more}`);
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
