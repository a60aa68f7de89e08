/** Opens an engine of any kind over a model. */
import { createRequire } from 'node:module';
import type { FolderOptions, ModelFolder } from '../model/model-folder.ts';
import type { Engine } from './engine.ts';
import { createOrtEngine } from './ort/index.ts';
import type { EngineSettings } from './settings.ts';

export interface OpenEngineOptions {
  /** The embedded engine by default. */
  readonly engine?: EngineSettings | undefined;
  /** Threads the engine may use; left out: as many as there are cores. */
  readonly threads?: number;
  /** See `OrtEngineOptions`; no other engine writes profiles. */
  readonly profileFolder?: string;
}

export interface OpenedEngine {
  readonly engine: Engine;
  /** Of what it runs on. */
  readonly versions: Readonly<Record<string, string>>;
}

/** How the engine wants the model's weights. */
export function weightsFor(engine: EngineSettings | undefined): NonNullable<FolderOptions['weights']> {
  return engine?.name === 'torch' ? 'as-they-are' : 'mappable';
}

/** @throws {UserError} for an engine that is not installed or cannot load the model */
export async function openEngine(
  model: ModelFolder,
  { engine: settings, threads, profileFolder }: OpenEngineOptions,
): Promise<OpenedEngine> {
  const shared = threads === undefined ? {} : { threads };
  if (settings?.name !== 'torch') {
    const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json');
    const options = { ...shared, ...(profileFolder === undefined ? {} : { profileFolder }) };
    return { engine: await createOrtEngine(model, options), versions: { 'onnxruntime-node': version } };
  }
  const { createTorchEngine } = await import('./torch/index.ts');
  const { name: _, ...torch } = settings;
  const engine = await createTorchEngine(model, { settings: torch, ...shared });
  return { engine, versions: engine.versions };
}
