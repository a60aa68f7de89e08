/** A run's surroundings over a real base model: the default engine, the model's text side, its modules. */
import type { OpenEngineOptions } from '../engine/open.ts';
import { generateText } from '../eval/generate-text.ts';
import { checkFits } from '../model/adapter-folder.ts';
import { initialiseAdapter } from '../model/lora-modules.ts';
import type { ProgressFactory } from '../support/progress.ts';
import { version } from '../support/version.ts';
import { encodeRows } from '../text/segments.ts';
import { type BaseModel, openBaseModel } from './base-model.ts';
import type { RunEnvironment } from './environment.ts';

export type ModelEnvironment = Pick<
  RunEnvironment,
  'engine' | 'text' | 'embeddings' | 'createAdapter' | 'checkAdapter'
> &
  Required<Pick<RunEnvironment, 'answer' | 'versions'>>;

export interface ModelEnvironmentOptions extends OpenEngineOptions {
  readonly progress?: ProgressFactory;
  /** Takes one line for people. */
  readonly log: (line: string) => void;
}

/**
 * Opens a base model by path or name; a known name wins, for what a config means as a path is absolute.
 * The caller closes the engine.
 *
 * @throws {UserError} for a model that is not there, damaged or not supported.
 */
export async function openModelEnvironment(
  base: string,
  { progress, log, ...engineOptions }: ModelEnvironmentOptions,
): Promise<ModelEnvironment> {
  const warn = (message: string) => log(`warning: ${message}`);
  const opened = await openBaseModel(base, {
    warn,
    prefer: 'name',
    ...(progress ? { progress } : {}),
    ...engineOptions,
  });
  const { text, engine, endTokens } = opened;
  return {
    ...modelSides(opened),
    answer: async (prompts, adapter, { maxNewTokens, onProgress, signal }) => {
      const options = {
        maxNewTokens,
        endTokens,
        ...(onProgress ? { onProgress } : {}),
        ...(signal ? { signal } : {}),
      };
      const answers = await generateText(engine, text.tokenizer, prompts, adapter, options);
      return answers.map((answer) => answer.text);
    },
  };
}

type ModelSides = Pick<RunEnvironment, 'engine' | 'text' | 'embeddings' | 'createAdapter' | 'checkAdapter'> &
  Required<Pick<RunEnvironment, 'versions'>>;

/** What an opened base brings to whoever works with it; its engine stays the caller's to close. */
export function modelSides(base: BaseModel): ModelSides {
  const { model, text, modules, embeddings, engine, engineVersions, endTokens } = base;
  return {
    engine,
    text: {
      identity: { tokenizer: text.tokenizer.identity, template: text.template.identity },
      maxPositions: model.config.maxPositions,
      endTokens,
      encodeRows: (rows, options) => encodeRows(rows, text, options),
    },
    embeddings,
    createAdapter: (settings, random) => initialiseAdapter(settings, modules, random),
    checkAdapter: (adapter, source) => checkFits(adapter, { modules, config: model.config }, source),
    versions: { lifealign: version, node: process.versions.node, ...engineVersions },
  };
}
