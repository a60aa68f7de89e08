/** What an evaluation is given besides its tasks: a run's surroundings, whose answers may also be drawn. */
import { type GeneratedText, type GenerateTextOptions, generateText } from '../../eval/generate-text.ts';
import type { Adapter } from '../../model/adapter.ts';
import type { BaseModel } from '../base-model.ts';
import type { RunEnvironment } from '../environment.ts';
import { modelSides } from '../model-environment.ts';

export interface EvaluationEnvironment extends Omit<RunEnvironment, 'answer'> {
  /** As `generateText`, over the base (`null`) or the base with an adapter. */
  generate(
    prompts: readonly Int32Array[],
    adapter: Adapter | null,
    options: Omit<GenerateTextOptions, 'endTokens'>,
  ): Promise<readonly GeneratedText[]>;
}

type Given = Pick<
  EvaluationEnvironment,
  'outputFolder' | 'resume' | 'cacheFolder' | 'signal' | 'progress' | 'log'
>;

/** Over an opened base, whose engine stays the caller's to close. */
export function evaluationEnvironment(base: BaseModel, given: Given): EvaluationEnvironment {
  const { text, engine, endTokens } = base;
  return {
    ...given,
    ...modelSides(base),
    generate: (prompts, adapter, options) =>
      generateText(engine, text.tokenizer, prompts, adapter, { ...options, endTokens }),
  };
}
