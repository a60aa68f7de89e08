import type { ModelFolder } from '../../model/model-folder.ts';
import { OrtEngine, type OrtEngineOptions } from './ort-engine.ts';

/** The embedded engine over an opened model; sessions are made when first needed. */
export async function createOrtEngine(
  model: ModelFolder,
  options: OrtEngineOptions = {},
): Promise<OrtEngine> {
  return new OrtEngine(model, options);
}
