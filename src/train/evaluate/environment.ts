/** What an evaluation is given besides its tasks: a run's surroundings, whose answers may also be drawn. */
import { createRequire } from 'node:module';
import { type GeneratedText, type GenerateTextOptions, generateText } from '../../eval/generate-text.ts';
import type { Adapter } from '../../model/adapter.ts';
import { checkAdapterFits, initialiseAdapter } from '../../model/lora-modules.ts';
import { version } from '../../support/version.ts';
import { readEndTokens } from '../../text/end-tokens.ts';
import { encodeRows } from '../../text/segments.ts';
import type { BaseModel } from '../base-model.ts';
import type { RunEnvironment } from '../environment.ts';

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
export async function evaluationEnvironment(base: BaseModel, given: Given): Promise<EvaluationEnvironment> {
  const { model, text, modules, engine } = base;
  const endTokens = await readEndTokens(model.path, text.tokenizer);
  const runtime = createRequire(import.meta.url)('onnxruntime-node/package.json').version;
  return {
    ...given,
    engine,
    text: {
      identity: { tokenizer: text.tokenizer.identity, template: text.template.identity },
      maxPositions: model.config.maxPositions,
      encodeRows: (rows, options) => encodeRows(rows, text, options),
    },
    generate: (prompts, adapter, options) =>
      generateText(engine, text.tokenizer, prompts, adapter, { ...options, endTokens }),
    createAdapter: (settings, random) => initialiseAdapter(settings, modules, random),
    checkAdapter: (adapter, source) => checkAdapterFits(adapter, modules, source),
    versions: { lifealign: version, node: process.versions.node, 'onnxruntime-node': runtime },
  };
}
