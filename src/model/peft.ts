/**
 * Adapters on disk, as PEFT folders: `adapter_config.json` and `adapter_model.safetensors`. What is
 * written here PEFT reads, and the other way round.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder, writeFileAtomic } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import {
  compareModulePaths,
  isTarget,
  type LoraAdapter,
  type LoraSide,
  type LoraTensor,
  loraTensorName,
  parseLoraTensorName,
} from './adapter.ts';
import { precisionMetadata, precisionsOf, type TrainedOver } from './base-precision.ts';
import { formatPeftConfig, readPeftConfig } from './peft-config.ts';
import { isPromptPoolFolder } from './prompt-pool-folder.ts';
import type { FloatFormat } from './weights/float-formats.ts';
import {
  readSafetensorsHeader,
  readTensor,
  type SafetensorsEntry,
  writeSafetensors,
} from './weights/safetensors.ts';

const CONFIG_FILE = 'adapter_config.json';
const WEIGHTS_FILE = 'adapter_model.safetensors';

/** An adapter from a file, with what the file says it was trained on. */
export interface PeftAdapter extends LoraAdapter, TrainedOver {
  /** A caller whose base has another name warns; fit is decided by module names and shapes. */
  readonly baseModel: string | null;
}

export interface PeftWriteOptions {
  /** Written as `base_model_name_or_path`: a Hub name or a folder. */
  readonly baseModel?: string | null;
  /** Of `PeftAdapter`. */
  readonly basePrecisions?: readonly string[] | undefined;
  /** What the matrices are rounded to, `float32` unless told. */
  readonly format?: FloatFormat;
  /** Added to the safetensors file's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Reads an adapter; half-precision values are widened. Targets are the file's own, or every module's
 * path where those are a pattern.
 *
 * @throws {UserError} naming file and field or tensor: options not supported, a module without both
 *   matrices, shapes that contradict the rank, values that are not finite.
 */
export async function readPeftAdapter(folder: string): Promise<PeftAdapter> {
  if (isPromptPoolFolder(folder)) {
    throw new UserError(`${folder}: holds a prompt pool; expected a PEFT adapter, of LoRA matrices`);
  }
  if (!existsSync(join(folder, CONFIG_FILE))) {
    throw new UserError(`${folder}: not a PEFT adapter folder: it has no ${CONFIG_FILE}`);
  }
  const { rank, alpha, targets, baseModel } = await readPeftConfig(join(folder, CONFIG_FILE));
  const file = join(folder, WEIGHTS_FILE);
  if (!existsSync(file) && existsSync(join(folder, 'adapter_model.bin'))) {
    throw new UserError(`${folder}: has adapter_model.bin; expected ${WEIGHTS_FILE}: save it as safetensors`);
  }
  const { entries, metadata } = readSafetensorsHeader(file);
  const modules = groupByModule(entries, file);
  const tensors = new Map<string, LoraTensor>();
  for (const modulePath of [...modules.keys()].sort(compareModulePaths)) {
    for (const side of ['A', 'B'] as const) {
      const name = loraTensorName(modulePath, side);
      const entry = modules.get(modulePath)?.[side];
      if (entry === undefined) throw new UserError(`${file}: tensor "${name}" is missing`);
      tensors.set(name, readLoraTensor(entry, side, rank));
    }
  }
  const settings = { rank, alpha, targets: exactTargets(targets, [...modules.keys()]) };
  return { settings, tensors, baseModel, ...precisionsOf(metadata) };
}

/**
 * Writes an adapter into `folder`, made if missing. Each file is replaced in one step; where both
 * must appear together, call it inside `writeFolderAtomic`. The same adapter gives the same bytes.
 */
export async function writePeftAdapter(
  folder: string,
  adapter: LoraAdapter,
  options: PeftWriteOptions = {},
): Promise<void> {
  await makeFolder(folder);
  const { format: dtype = 'float32' } = options;
  const tensors = [...adapter.tensors].map(([name, { shape, data }]) => ({
    name,
    shape,
    data,
    format: dtype,
  }));
  const metadata = { format: 'pt', ...precisionMetadata(options.basePrecisions), ...options.metadata };
  await writeSafetensors(join(folder, WEIGHTS_FILE), tensors, metadata);
  const targets = exactTargets(adapter.settings.targets, [...adapter.tensors.keys()].map(modulePathOf));
  const config = formatPeftConfig({ ...adapter.settings, targets }, options.baseModel ?? null);
  await writeFileAtomic(join(folder, CONFIG_FILE), config);
}

type ModuleEntries = { [side in LoraSide]?: SafetensorsEntry };

function groupByModule(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  file: string,
): ReadonlyMap<string, ModuleEntries> {
  const modules = new Map<string, ModuleEntries>();
  for (const [name, entry] of entries) {
    const parsed = parseLoraTensorName(name);
    if (parsed === undefined) {
      const expected = loraTensorName('<module>', 'A').replace('lora_A', 'lora_A|B');
      throw new UserError(`${file}: tensor "${name}" is not a LoRA matrix; expected names like ${expected}`);
    }
    modules.set(parsed.modulePath, { ...modules.get(parsed.modulePath), [parsed.side]: entry });
  }
  if (modules.size === 0) throw new UserError(`${file}: holds no LoRA matrices`);
  return modules;
}

function readLoraTensor(entry: SafetensorsEntry, side: LoraSide, rank: number): LoraTensor {
  const fail = (problem: string) => new UserError(`${entry.file}: tensor "${entry.name}" ${problem}`);
  const [rows, columns, ...more] = entry.shape;
  const size = side === 'A' ? columns : rows;
  if (rows === undefined || columns === undefined || more.length > 0 || size === 0) {
    throw fail(`has the shape [${entry.shape.join(', ')}]; expected a matrix`);
  }
  if ((side === 'A' ? rows : columns) !== rank) {
    const expected = side === 'A' ? `${rank} rows` : `${rank} columns`;
    throw fail(`has the shape [${rows}, ${columns}]; its config's r is ${rank}: expected ${expected}`);
  }
  const data = readTensor(entry);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) throw fail(`has a value that is not finite: ${data[bad]} at index ${bad}`);
  return { shape: [rows, columns], data };
}

/**
 * Targets from which PEFT makes these very modules again. Short names do where the adapter was made by
 * them; what the model's other layers hold is not known here, so they are never concluded from the
 * modules: an adapter on the first layers alone would be continued on all of them.
 */
function exactTargets(given: readonly string[], modulePaths: readonly string[]): string[] {
  const isExact =
    given.length > 0 &&
    given.every((target) => modulePaths.some((path) => isTarget(target, path))) &&
    modulePaths.every((path) => given.some((target) => isTarget(target, path)));
  const targets = [...new Set(isExact ? given : modulePaths)];
  return isExact ? targets.sort() : targets.sort(compareModulePaths);
}

function modulePathOf(name: string): string {
  const parsed = parseLoraTensorName(name);
  if (parsed === undefined) throw new Error(`"${name}" is not a LoRA matrix's name`);
  return parsed.modulePath;
}
