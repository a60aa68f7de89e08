/** A hub repository becomes a model folder in the cache, pinned to a commit. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, movePath } from '../../support/atomic-file.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { UserError } from '../../support/errors.ts';
import { sha256 } from '../../support/hash.ts';
import { byteProgress } from '../weights/byte-progress.ts';
import { type CachedModel, cachedModel, type ModelOptions } from '../weights/model-cache.ts';
import { INDEX_FILE, readShardIndex, SINGLE_FILE } from '../weights/weight-files.ts';
import { downloadFile } from './download.ts';
import type { Hub } from './hub-client.ts';
import {
  isSmallFile,
  listRepository,
  type RepositoryFile,
  type RepositoryListing,
  type RepositoryName,
} from './repository.ts';

/**
 * The model at `name`'s commit of today, downloading what isn't in the cache. A pull that breaks off
 * keeps what it has and goes on from there when it is called again.
 *
 * @throws HubError when the hub can't be reached or refuses; UserError for a repository without
 *   safetensors weights or content that isn't the one announced
 */
export async function pullRepository(
  hub: Hub,
  name: RepositoryName,
  options: ModelOptions = {},
): Promise<CachedModel> {
  const listing = await listRepository(hub, name);
  const hubKey = sha256([hub.url]).slice(0, 8);
  const key = `hub-${name.repository.replace('/', '--')}-${listing.commit}-${hubKey}`;
  return cachedModel(
    key,
    async (folder) => {
      const downloads = join(cacheFolder(), 'downloads', key);
      await makeFolder(downloads);
      const files = await downloadAll(hub, name, listing, downloads, options);
      for (const { path } of files) await movePath(join(downloads, path), join(folder, path));
      await rm(downloads, { recursive: true, force: true });
      return { kind: 'hub', hub: hub.url, ...name, commit: listing.commit };
    },
    options,
  );
}

async function downloadAll(
  hub: Hub,
  name: RepositoryName,
  listing: RepositoryListing,
  downloads: string,
  options: ModelOptions,
): Promise<RepositoryFile[]> {
  const download = async (files: readonly RepositoryFile[], label: string) => {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const meter = byteProgress(label, bytes, options.progress);
    try {
      for (const file of files) {
        const url = `${hub.url}/${name.repository}/resolve/${listing.commit}/${file.path}`;
        await downloadFile(hub, url, file, join(downloads, file.path), meter);
      }
    } finally {
      meter.stop();
    }
  };
  const index = listing.files.get(INDEX_FILE);
  const small = [...listing.files.values()].filter(({ path }) => isSmallFile(path) || path === INDEX_FILE);
  for (const needed of ['config.json', index === undefined ? SINGLE_FILE : INDEX_FILE]) {
    if (!listing.files.has(needed)) {
      throw new UserError(
        `${name.repository} at ${hub.url} holds no ${needed}; expected a model with safetensors weights`,
      );
    }
  }
  await download(small, `${name.repository}, configuration`);
  const shards =
    index === undefined
      ? [SINGLE_FILE]
      : new Set((await readShardIndex(join(downloads, INDEX_FILE))).values());
  const weights = [...shards].map((shard) => {
    const file = listing.files.get(shard);
    if (file !== undefined) return file;
    throw new UserError(
      `${name.repository} at ${hub.url}: ${INDEX_FILE} names "${shard}", which isn't there`,
    );
  });
  await download(weights, `${name.repository}, weights`);
  return [...small, ...weights];
}
