/** Adapters of either kind on disk: LoRA matrices as PEFT folders, prompt pools in a format of their own. */
import { UserError } from '../support/errors.ts';
import { type Adapter, isPromptPool, SOFT_PROMPTS } from './adapter.ts';
import type { DecoderConfig } from './config.ts';
import { checkAdapterFits, type LinearModule } from './lora-modules.ts';
import { type PeftAdapter, readPeftAdapter, writePeftAdapter } from './peft.ts';
import {
  isPromptPoolFolder,
  readPromptPool,
  type SavedPromptPool,
  writePromptPool,
} from './prompt-pool-folder.ts';

export type SavedAdapter = PeftAdapter | SavedPromptPool;

/** @throws {UserError} as `readPeftAdapter` and `readPromptPool` do. */
export function readAdapterFolder(folder: string): Promise<SavedAdapter> {
  return isPromptPoolFolder(folder) ? readPromptPool(folder) : readPeftAdapter(folder);
}

export interface AdapterWriteOptions {
  /** What it was trained on: a Hub name or a folder. */
  readonly baseModel: string | null;
  /** See `TrainedOver`. */
  readonly basePrecisions?: readonly string[] | undefined;
}

/** Into a folder, made if missing; where its files must appear together, call it inside `writeFolderAtomic`. */
export function writeAdapterFolder(
  folder: string,
  adapter: Adapter,
  { baseModel, basePrecisions }: AdapterWriteOptions,
): Promise<void> {
  return isPromptPool(adapter)
    ? writePromptPool(folder, adapter, { baseModel, basePrecisions })
    : writePeftAdapter(folder, adapter, { baseModel, basePrecisions });
}

export interface AdapterSite {
  readonly modules: readonly LinearModule[];
  readonly config: Pick<DecoderConfig, 'hiddenSize'>;
}

/**
 * @param source where the adapter came from, for the message
 * @throws {UserError} naming what the model lacks or has in another shape.
 */
export function checkFits(adapter: Adapter, { modules, config }: AdapterSite, source: string): void {
  if (!isPromptPool(adapter)) {
    checkAdapterFits(adapter, modules, source);
    return;
  }
  const size = adapter.tensors.get(SOFT_PROMPTS)!.shape[1];
  if (size === config.hiddenSize) return;
  const problem = `its soft prompts have ${size} numbers, the model's embeddings ${config.hiddenSize}`;
  throw new UserError(`${source}: the prompt pool does not fit the model: ${problem}`);
}
