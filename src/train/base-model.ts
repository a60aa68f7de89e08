/** A base model with all its sides: weights and configuration, text, the modules adapters go on, an engine. */
import type { Engine } from '../engine/engine.ts';
import { type OpenEngineOptions, openEngine, weightsFor } from '../engine/open.ts';
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
  /** Of what the engine runs on, for records. */
  readonly engineVersions: Readonly<Record<string, string>>;
  readonly endTokens: readonly number[];
}

export interface BaseModelOptions extends Omit<OpenOptions, 'weights'>, OpenEngineOptions {}

/**
 * Opens a base model by path or name. The caller closes the engine.
 *
 * @throws {UserError} for a model that is missing, damaged or not supported.
 */
export async function openBaseModel(nameOrPath: string, options: BaseModelOptions): Promise<BaseModel> {
  const model = await openModel(nameOrPath, { ...options, weights: weightsFor(options.engine) });
  const text = await loadTextModel(model.path, model.config.vocabularySize);
  const endTokens = await readEndTokens(model.path, text.tokenizer);
  const embeddings = TokenEmbeddings.of(model);
  const { engine, versions: engineVersions } = await openEngine(model, options);
  return {
    model,
    text,
    modules: linearModules(model.config),
    embeddings,
    engine: withPromptPools(engine, embeddings),
    engineVersions,
    endTokens,
  };
}
