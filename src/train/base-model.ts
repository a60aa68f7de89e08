/** A base model with all its sides: weights and configuration, text, the modules adapters go on, an engine. */
import type { Engine } from '../engine/engine.ts';
import { createOrtEngine } from '../engine/ort/index.ts';
import { withPromptPools } from '../engine/prompted-engine.ts';
import { linearModules } from '../model/linear-modules.ts';
import type { LinearModule } from '../model/lora-modules.ts';
import type { ModelFolder } from '../model/model-folder.ts';
import { type OpenOptions, openModel } from '../model/resolve.ts';
import { TokenEmbeddings } from '../model/token-embeddings.ts';
import { readEndTokens } from '../text/end-tokens.ts';
import { loadTextModel, type TextModel } from '../text/text-model.ts';

export interface BaseModel {
  readonly model: ModelFolder;
  readonly text: TextModel;
  readonly modules: readonly LinearModule[];
  readonly embeddings: TokenEmbeddings;
  /** Takes adapters of any kind. */
  readonly engine: Engine;
  readonly endTokens: readonly number[];
}

export interface BaseModelOptions extends OpenOptions {
  /** Threads the engine may use; left out: as many as there are cores. */
  readonly threads?: number;
  /** See `OrtEngineOptions`. */
  readonly profileFolder?: string;
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
  const embeddings = TokenEmbeddings.of(model);
  const { threads, profileFolder } = options;
  const ortOptions = {
    ...(threads === undefined ? {} : { threads }),
    ...(profileFolder === undefined ? {} : { profileFolder }),
  };
  const engine = withPromptPools(await createOrtEngine(model, ortOptions), embeddings);
  return { model, text, modules: linearModules(model.config), embeddings, engine, endTokens };
}
