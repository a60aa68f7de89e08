/** What an evaluation is: model, tasks and settings; and how two of them are told apart. */
import type { JudgeClient } from '../../eval/llm-judge/client.ts';
import { PROMPT_VERSION } from '../../eval/llm-judge/prompts.ts';
import type { Adapter } from '../../model/adapter.ts';
import type { NeutralSettings } from '../neutral.ts';
import type { EvaluationEnvironment } from './environment.ts';
import type { LoadedTask } from './rows.ts';
import type { EvaluationTask } from './tasks.ts';

/** How answers are made; in `generate`'s terms. */
export interface EvaluationGeneration {
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly seed: number;
  readonly batchSize: number;
  readonly stop: readonly string[];
}

export interface Evaluation {
  /** Path or name of the base, as the user knows it. */
  readonly model: string;
  /** `null`: the base itself. */
  readonly adapter: Adapter | null;
  readonly adapterFolder: string | null;
  readonly tasks: readonly EvaluationTask[];
  /** What the tasks' files must have for a hash, where that is known from before. */
  readonly expectedRows?: readonly string[];
  readonly generation: EvaluationGeneration;
  /** `null`: drift and loss on neutral conversations are not measured; nor are they of the base itself. */
  readonly general: NeutralSettings | null;
  /** The hash that the conversations' file must have, where that is known from before. */
  readonly expectedNeutral?: string;
  readonly maxLength: number;
  readonly invalidRows: 'error' | 'skip';
  /** Write the texts of private tasks too. */
  readonly keepPrivate: boolean;
  /** Needed where a task has an LLM judge. */
  readonly judgeClient: JudgeClient | null;
}

/** Everything that decides the content of a task's files; plain JSON. */
export function fingerprint(
  evaluation: Evaluation,
  environment: EvaluationEnvironment,
  task: LoadedTask,
  adapter: string | null,
): Record<string, unknown> {
  const { engine, text } = environment;
  return {
    model: engine.identity,
    ...text.identity,
    adapter,
    task: task.name,
    rows: task.test.sha256,
    test_rows: task.test_rows,
    judge: task.judge?.name ?? null,
    llm_judge: task.llm_judge && raterOf(evaluation, task.llm_judge),
    private: task.private,
    keep_private: task.private && evaluation.keepPrivate,
    ...settingsOf(evaluation, environment),
  };
}

function raterOf({ judgeClient }: Evaluation, rubric: string): object | null {
  if (!judgeClient) return null;
  const { temperature, max_reply_tokens, json_mode } = judgeClient.settings;
  const { model } = judgeClient;
  return { rubric, model, prompt_version: PROMPT_VERSION, temperature, max_reply_tokens, json_mode };
}

/** In the spelling of configs. */
export function settingsOf(
  { generation, maxLength, invalidRows }: Evaluation,
  { text }: EvaluationEnvironment,
): Record<string, unknown> {
  const { maxNewTokens, topP, topK, minP, repetitionPenalty, batchSize, temperature, seed, stop } =
    generation;
  return {
    generation: {
      max_new_tokens: maxNewTokens,
      temperature,
      top_p: topP,
      top_k: topK,
      min_p: minP,
      repetition_penalty: repetitionPenalty,
      seed,
      batch_size: batchSize,
      stop,
    },
    max_length: Math.min(maxLength, text.maxPositions),
    invalid_rows: invalidRows,
  };
}
