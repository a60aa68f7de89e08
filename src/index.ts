/** The library's public interface. */
export { readPreferenceRows } from './data/read-rows.ts';
export type { Message, PreferenceRow } from './data/row.ts';
export type {
  Engine,
  Generated,
  GenerateOptions,
  GradientRequest,
  GradientResult,
  RowLogProbs,
  RunOptions,
} from './engine/engine.ts';
export { createOrtEngine } from './engine/ort/index.ts';
export type { OrtEngineOptions } from './engine/ort/ort-engine.ts';
export { generateText } from './eval/generate-text.ts';
export { summariseMatrix } from './eval/matrix.ts';
export { bootstrapDifference, bootstrapMean } from './eval/statistics.ts';
export { consolidateAdapter, MemoryHistory } from './memory/consolidate-adapter.ts';
export type { Adapter, LoraSettings, LoraTensor } from './model/adapter.ts';
export { linearModules } from './model/linear-modules.ts';
export { checkAdapterFits, initialiseAdapter } from './model/lora-modules.ts';
export type { ModelFolder } from './model/model-folder.ts';
export { readPeftAdapter, writePeftAdapter } from './model/peft.ts';
export { openModel } from './model/resolve.ts';
export { createObjective } from './objective/index.ts';
export type { Objective, ObjectiveInputs } from './objective/objective.ts';
export { DataError, type DataLocation, Interrupted, UserError } from './support/errors.ts';
export { Random } from './support/random.ts';
export { version } from './support/version.ts';
export type { EncodedRow } from './text/encoded-row.ts';
export { readEndTokens } from './text/end-tokens.ts';
export { encodePrompt, encodeRows } from './text/segments.ts';
export { loadTextModel } from './text/text-model.ts';
export { readRunConfig } from './train/config/resolve.ts';
export { openModelEnvironment } from './train/model-environment.ts';
export { runStream } from './train/stream.ts';
