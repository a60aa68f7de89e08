/** What most commands open first: a base model with its tokenizer and the embedded engine over it. */
import { createOrtEngine } from '../engine/ort/index.ts';
import type { OrtEngine } from '../engine/ort/ort-engine.ts';
import type { Adapter } from '../model/adapter.ts';
import { linearModules } from '../model/linear-modules.ts';
import { checkAdapterFits } from '../model/lora-modules.ts';
import type { ModelFolder } from '../model/model-folder.ts';
import { readPeftAdapter } from '../model/peft.ts';
import { openModel } from '../model/resolve.ts';
import { loadTextModel, type TextModel } from '../text/text-model.ts';

export interface Base {
  readonly model: ModelFolder;
  readonly text: TextModel;
  readonly engine: OrtEngine;
  /** Reads a PEFT folder and refuses an adapter that does not fit the model. */
  readAdapter(folder: string): Promise<Adapter>;
}

/** @throws {UserError} for a model that is missing, damaged or unsupported. */
export async function openBase(nameOrPath: string): Promise<Base> {
  const model = await openModel(nameOrPath);
  const text = await loadTextModel(model.path);
  const engine = await createOrtEngine(model);
  const readAdapter = async (folder: string) => {
    const adapter = await readPeftAdapter(folder);
    checkAdapterFits(adapter, linearModules(model.config), folder);
    return adapter;
  };
  return { model, text, engine, readAdapter };
}
