/**
 * What `--model` names becomes an open model: a folder, a GGUF file, or the name of a pulled or embedded
 * model.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { UserError } from '../support/errors.ts';
import { errorCode, fileError } from '../support/file-error.ts';
import { didYouMean } from '../support/nearest-name.ts';
import { embeddedModels } from './embedded.ts';
import { importGguf } from './gguf/import.ts';
import { findPulled, NAMED_MODELS, pullModel } from './hub/pull.ts';
import { parseRepositoryName } from './hub/repository.ts';
import { type FolderOptions, type ModelFolder, openModelFolder } from './model-folder.ts';
import { listNames } from './names.ts';
import { type CachedModel, warner } from './weights/model-cache.ts';

export interface OpenOptions extends Pick<FolderOptions, 'progress' | 'warn' | 'weights'> {
  /** Where a path and a name are spelt alike; the path by default. */
  readonly prefer?: 'path' | 'name';
}

/**
 * Opens the model at a path or of a name. A short name that isn't in the cache is pulled first, a hub
 * repository must have been pulled before.
 *
 * @throws UserError when there is no such model, or it is damaged or unsupported
 */
export async function openModel(nameOrPath: string, options: OpenOptions = {}): Promise<ModelFolder> {
  const isName = options.prefer === 'name' && (await isModelName(nameOrPath));
  const kind = isName ? null : await pathKind(nameOrPath);
  if (kind === 'folder') return openModelFolder(nameOrPath, options);
  if (kind === 'file') {
    if (nameOrPath.toLowerCase().endsWith('.gguf'))
      return openCached(await importGguf(nameOrPath, options), options);
    throw new UserError(`${nameOrPath}: expected a folder in Hugging Face layout or a .gguf file`);
  }
  const embedded = embeddedModels.get(nameOrPath);
  if (embedded !== undefined) return openModelFolder(embedded, options);
  const pulled = await findPulled(nameOrPath, options);
  if (pulled !== null) return openCached(pulled, options);
  if (NAMED_MODELS.has(nameOrPath)) {
    warner(options)(`${nameOrPath} is not in the cache yet; it is pulled now`);
    return openCached(await pullModel(nameOrPath, options), options);
  }
  return refuseName(nameOrPath);
}

/** Whether `name` is a short name or that of a pulled model. */
export async function isModelName(name: string): Promise<boolean> {
  return (await modelNames()).includes(name);
}

async function modelNames(): Promise<string[]> {
  return [
    ...embeddedModels.keys(),
    ...NAMED_MODELS.keys(),
    ...(await listNames()).map((pulled) => pulled.name),
  ];
}

function openCached(model: CachedModel, options: OpenOptions): Promise<ModelFolder> {
  return openModelFolder(model.path, { ...options, source: model.record.source });
}

async function refuseName(name: string): Promise<never> {
  const known = await modelNames();
  const hint =
    parseRepositoryName(name) === null
      ? didYouMean(basename(name), known)
      : ` If it is a repository on the hub, run: lifealign models pull ${name}`;
  throw new UserError(
    `${name}: no such folder or file, and no model of that name; known: ${[...new Set(known)].join(', ')}.${hint}`,
  );
}

async function pathKind(path: string): Promise<'folder' | 'file' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return null;
    throw fileError(error, path, 'read');
  }
}
