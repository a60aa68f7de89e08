/** What most commands open first: a base model with its tokenizer and the embedded engine over it. */
import { checkFits, readAdapterFolder, type SavedAdapter } from '../model/adapter-folder.ts';
import { baseDoubts } from '../model/base-name.ts';
import { warner } from '../model/weights/model-cache.ts';
import { type BaseModel, type BaseModelOptions, openBaseModel } from '../train/base-model.ts';

export interface Base extends BaseModel {
  /**
   * Reads an adapter of either kind, refuses one that does not fit the model, and warns of one that was trained over
   * another, or, unless told not to, in another precision.
   */
  readAdapter(folder: string, options?: { readonly warnOfPrecision?: boolean }): Promise<SavedAdapter>;
}

/** @throws {UserError} for a model that is missing, damaged or unsupported. */
export async function openBase(nameOrPath: string, options: BaseModelOptions): Promise<Base> {
  const base = await openBaseModel(nameOrPath, options);
  const readAdapter: Base['readAdapter'] = async (folder, { warnOfPrecision = true } = {}) => {
    const adapter = await readAdapterFolder(folder);
    const precision = warnOfPrecision ? base.engine.precision : null;
    const warn = warner(options);
    for (const doubt of baseDoubts(adapter, folder, { base: nameOrPath, precision })) warn(doubt);
    checkFits(adapter, { modules: base.modules, config: base.model.config }, folder);
    return adapter;
  };
  return { ...base, readAdapter };
}
