/** The library's public interface. */
export type { Message, PreferenceRow } from './data/row.ts';
export type {
  Engine,
  GradientRequest,
  GradientResult,
  RowLogProbs,
  RunOptions,
} from './engine/engine.ts';
export type { Adapter, LoraSettings, LoraTensor } from './model/adapter.ts';
export type { Objective, ObjectiveInputs } from './objective/objective.ts';
export { DataError, type DataLocation, Interrupted, UserError } from './support/errors.ts';
export { version } from './support/version.ts';
export type { EncodedRow } from './text/encoded-row.ts';
