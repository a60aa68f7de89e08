/** What most commands open first: a base model with its tokenizer and the embedded engine over it. */
import type { Adapter } from '../model/adapter.ts';
import { checkFits, readAdapterFolder } from '../model/adapter-folder.ts';
import { otherBase } from '../model/base-name.ts';
import { warner } from '../model/weights/model-cache.ts';
import { type BaseModel, type BaseModelOptions, openBaseModel } from '../train/base-model.ts';

export interface Base extends BaseModel {
  /** Reads an adapter of either kind, and refuses one that does not fit the model. */
  readAdapter(folder: string): Promise<Adapter>;
}

/** @throws {UserError} for a model that is missing, damaged or unsupported. */
export async function openBase(nameOrPath: string, options: BaseModelOptions): Promise<Base> {
  const base = await openBaseModel(nameOrPath, options);
  const readAdapter = async (folder: string) => {
    const adapter = await readAdapterFolder(folder);
    const doubt = otherBase(adapter, folder, nameOrPath);
    if (doubt !== null) warner(options)(doubt);
    checkFits(adapter, { modules: base.modules, config: base.model.config }, folder);
    return adapter;
  };
  return { ...base, readAdapter };
}
