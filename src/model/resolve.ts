/** What `--model` names becomes an open model: a folder, a GGUF file, or the name of a pulled model. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../support/errors.ts';
import { errorCode, fileError } from '../support/file-error.ts';
import { didYouMean } from '../support/nearest-name.ts';
import { importGguf } from './gguf/import.ts';
import { findPulled, NAMED_MODELS, pullModel } from './hub/pull.ts';
import { parseRepositoryName } from './hub/repository.ts';
import { type ModelFolder, openModelFolder } from './model-folder.ts';
import { listNames } from './names.ts';
import { cachedSha256 } from './weights/file-hash.ts';
import { type CachedModel, type ModelOptions, warner } from './weights/model-cache.ts';

/**
 * Opens the model at a path or of a name. A path wins over a name; a short name that isn't in the cache
 * is pulled first, a hub repository must have been pulled before.
 *
 * @throws UserError when there is no such model, or it is damaged or unsupported
 */
export async function openModel(nameOrPath: string, options: ModelOptions = {}): Promise<ModelFolder> {
  const kind = await pathKind(nameOrPath);
  if (kind === 'folder') return openModelFolder(nameOrPath, options);
  if (kind === 'file') {
    if (nameOrPath.toLowerCase().endsWith('.gguf'))
      return openCached(await importGguf(nameOrPath, options), options);
    throw new UserError(`${nameOrPath}: expected a folder in Hugging Face layout or a .gguf file`);
  }
  const pulled = await findPulled(nameOrPath, options);
  if (pulled !== null) return openCached(pulled, options);
  if (NAMED_MODELS.has(nameOrPath)) {
    warner(options)(`${nameOrPath} is not in the cache yet; it is pulled now`);
    return openCached(await pullModel(nameOrPath, options), options);
  }
  return refuseName(nameOrPath);
}

/** Opens a folder of the cache, whose files' hashes are known. */
async function openCached(model: CachedModel, options: ModelOptions): Promise<ModelFolder> {
  const hashes = new Map(model.record.files.map(({ name, sha256 }) => [join(model.path, name), sha256]));
  return openModelFolder(model.path, {
    ...options,
    source: model.record.source,
    hashOf: async (file) => hashes.get(file) ?? cachedSha256(file),
  });
}

async function refuseName(name: string): Promise<never> {
  const known = [...NAMED_MODELS.keys(), ...(await listNames()).map((pulled) => pulled.name)];
  const hint =
    parseRepositoryName(name) === null
      ? didYouMean(name, known)
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
