/** The library's public interface. */
export { type BenchOptions, runBench } from './bench/bench.ts';
export { type Bench, readBench } from './bench/config/read.ts';
export { readPreferenceRows } from './data/read-rows.ts';
export type { Message, PreferenceRow } from './data/row.ts';
export type {
  Engine,
  Generated,
  GenerateOptions,
  GradientRequest,
  GradientResult,
  OpenGenerateOptions,
  OpenGeneration,
  RowLogProbs,
  RunOptions,
} from './engine/engine.ts';
export { createOrtEngine } from './engine/ort/index.ts';
export type { OrtEngineOptions } from './engine/ort/ort-engine.ts';
export { withPromptPools } from './engine/prompted-engine.ts';
export { generateText } from './eval/generate-text.ts';
export { findRuleJudge, ruleJudgeNames } from './eval/judges/index.ts';
export type { JudgedPrompt, RuleJudge } from './eval/judges/judge.ts';
export { JudgeLimitReached } from './eval/llm-judge/budget.ts';
export { type JudgeClient, type JudgeClientOptions, openJudgeClient } from './eval/llm-judge/client.ts';
export {
  type Judge,
  type JudgedAnswer,
  type JudgeOptions,
  type JudgeReport,
  meanScore,
  type UnscoredItem,
} from './eval/llm-judge/judge.ts';
export { liftRuleJudge, preferenceJudge } from './eval/llm-judge/local-judges.ts';
export {
  createPairwiseJudge,
  type JudgedPair,
  type PairVerdict,
  type PairwiseReport,
} from './eval/llm-judge/pairwise-judge.ts';
export { type RubricName, rubricNames } from './eval/llm-judge/prompts.ts';
export { createRatingJudge } from './eval/llm-judge/rating-judge.ts';
export type { LlmJudgeSettingsInput } from './eval/llm-judge/settings.ts';
export {
  type BaseRow,
  type MatrixSummary,
  type ResultMatrix,
  summariseMatrix,
  summariseTransfer,
  type TransferSummary,
} from './eval/matrix.ts';
export type { RowScore } from './eval/preference.ts';
export { type NamedFolder, type ReportOptions, writeReport } from './eval/report/index.ts';
export {
  bootstrapDifference,
  bootstrapMean,
  type Interval,
  meanInterval,
  type SeedMean,
} from './eval/statistics.ts';
export { type ExportOptions, type ExportReport, exportAdapter } from './export/export-adapter.ts';
export type { ExportBase, ExportFormatName } from './export/job.ts';
export {
  type AcceptedRow,
  type Conflict,
  type ConflictOptions,
  findConflicts,
} from './learn/conflicts/find.ts';
export { applyPolicy, type ConflictPolicy, type LeavingRows } from './learn/conflicts/policy.ts';
export { consolidateAdapter, MemoryHistory } from './memory/consolidate-adapter.ts';
export { type CreateMemoryOptions, createMemory } from './memory/store/create.ts';
export { nameRow, type RowText, type StoredRow } from './memory/store/rows.ts';
export { type Commit, type Entry, type Head, MemoryStore } from './memory/store/store.ts';
export {
  type LearnedStage,
  type LearnedTask,
  lockMemory,
  type MemoryWriter,
} from './memory/store/writer.ts';
export type {
  Adapter,
  LoraAdapter,
  LoraSettings,
  LoraTensor,
  PromptPool,
  PromptPoolSettings,
  TrainedMatrix,
} from './model/adapter.ts';
export { readAdapterFolder, writeAdapterFolder } from './model/adapter-folder.ts';
export { linearModules } from './model/linear-modules.ts';
export { checkAdapterFits, initialiseAdapter } from './model/lora-modules.ts';
export type { ModelFolder } from './model/model-folder.ts';
export { readPeftAdapter, writePeftAdapter } from './model/peft.ts';
export { openModel } from './model/resolve.ts';
export { TokenEmbeddings } from './model/token-embeddings.ts';
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
