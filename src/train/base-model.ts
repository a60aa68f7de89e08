/** A base model with all its sides: weights and configuration, text, the modules adapters go on, an engine. */
import { createOrtEngine } from '../engine/ort/index.ts';
import type { OrtEngine } from '../engine/ort/ort-engine.ts';
import { linearModules } from '../model/linear-modules.ts';
import type { LinearModule } from '../model/lora-modules.ts';
import type { ModelFolder } from '../model/model-folder.ts';
import { type OpenOptions, openModel } from '../model/resolve.ts';
import { readEndTokens } from '../text/end-tokens.ts';
import { loadTextModel, type TextModel } from '../text/text-model.ts';

export interface BaseModel {
  readonly model: ModelFolder;
  readonly text: TextModel;
  readonly modules: readonly LinearModule[];
  readonly engine: OrtEngine;
  readonly endTokens: readonly number[];
}

export interface BaseModelOptions extends OpenOptions {
  /** Threads the engine may use; left out: as many as there are cores. */
  readonly threads?: number;
}

/**
 * Opens a base model by path or name. The caller closes the engine.
 *
 * @throws {UserError} for a model that is missing, damaged or not supported.
 */
export async function openBaseModel(nameOrPath: string, options: BaseModelOptions): Promise<BaseModel> {
  const model = await openModel(nameOrPath, options);
  const text = await loadTextModel(model.path, model.config.vocabularySize);
  const endTokens = await readEndTokens(model.path, text.tokenizer);
  const engine = await createOrtEngine(
    model,
    options.threads === undefined ? {} : { threads: options.threads },
  );
  return { model, text, modules: linearModules(model.config), engine, endTokens };
}
