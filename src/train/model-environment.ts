/** A run's surroundings over a real base model: the default engine, the model's text side, its modules. */
import { createRequire } from 'node:module';
import type { Engine } from '../engine/engine.ts';
import { createOrtEngine } from '../engine/ort/index.ts';
import { linearModules } from '../model/linear-modules.ts';
import { checkAdapterFits, initialiseAdapter } from '../model/lora-modules.ts';
import { openModel } from '../model/resolve.ts';
import type { ProgressFactory } from '../support/progress.ts';
import { version } from '../support/version.ts';
import { encodeRows } from '../text/segments.ts';
import { loadTextModel } from '../text/text-model.ts';
import type { RunEnvironment } from './environment.ts';

export type ModelEnvironment = Pick<
  RunEnvironment,
  'engine' | 'text' | 'createAdapter' | 'checkAdapter' | 'versions'
> & { readonly engine: Engine };

export interface ModelEnvironmentOptions {
  readonly progress?: ProgressFactory;
  /** Takes one line for people. */
  readonly log: (line: string) => void;
}

/**
 * Opens a base model by path or name. The caller closes the engine.
 *
 * @throws {UserError} for a model that is not there, damaged or not supported.
 */
export async function openModelEnvironment(
  base: string,
  { progress, log }: ModelEnvironmentOptions,
): Promise<ModelEnvironment> {
  const warn = (message: string) => log(`warning: ${message}`);
  const model = await openModel(base, { warn, ...(progress ? { progress } : {}) });
  const text = await loadTextModel(model.path);
  const modules = linearModules(model.config);
  return {
    engine: await createOrtEngine(model),
    text: {
      identity: { tokenizer: text.tokenizer.identity, template: text.template.identity },
      maxPositions: model.config.maxPositions,
      encodeRows: (rows, options) => encodeRows(rows, text, options),
    },
    createAdapter: (settings, random) => initialiseAdapter(settings, modules, random),
    checkAdapter: (adapter, source) => checkAdapterFits(adapter, modules, source),
    versions: { lifealign: version, node: process.versions.node, 'onnxruntime-node': runtimeVersion() },
  };
}

function runtimeVersion(): string {
  return createRequire(import.meta.url)('onnxruntime-node/package.json').version;
}
