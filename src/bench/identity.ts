/**
 * What a run is, known before it begins: a hash of its resolved config, with what paths lead to in their place, and
 * the program's version. Runs of one identity give the same numbers, so that a run that is there need not be done
 * again, and one whose data, base or settings changed is another run.
 */
import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBuiltinSource, readBuiltinSource } from '../data/builtin/source.ts';
import { isDatasetInfo, resolveDataset } from '../data/formats/llama-factory.ts';
import { embeddedModels } from '../model/embedded.ts';
import { cachedSha256 } from '../model/weights/file-hash.ts';
import { sha256 } from '../support/hash.ts';
import { version } from '../support/version.ts';
import type { RunConfig } from '../train/config/schema.ts';
import { fingerprint, fingerprintHash } from '../train/fingerprint.ts';

/** Hashes what many runs name once. Models known by a name alone, which a cache holds, count by that name. */
export class Identities {
  readonly #known = new Map<string, Promise<string>>();

  /** @throws {UserError} for rows that are not there. */
  async of(config: RunConfig): Promise<string> {
    const { adapter, reference, general, tasks } = config;
    const base = await this.#once(config.base, modelHash);
    const rows: { train: string; test: string }[] = [];
    // One after another: after a refusal nothing is at work any more.
    for (const { train, test } of tasks) {
      rows.push({ train: await this.#once(train, rowsHash), test: await this.#once(test, rowsHash) });
    }
    const hashes = {
      base,
      // Of the base's folder, which is hashed whole.
      tokenizer: base,
      template: base,
      adapter: adapter && (await this.#once(adapter, modelHash)),
      reference: await this.#once(reference, modelHash),
      general: general && (await this.#once(general.rows, rowsHash)),
      tasks: rows,
    };
    return sha256([version, fingerprintHash(fingerprint(config, hashes)), ...engineParts(config)]);
  }

  #once(name: string, hash: (name: string) => Promise<string>): Promise<string> {
    const known = this.#known.get(name) ?? hash(name);
    this.#known.set(name, known);
    return known;
  }
}

/**
 * What of the engine decides numbers beyond rounding: in a run its identity says so, which is known only when it is
 * open. The engine `ort` adds nothing.
 */
function engineParts({ engine }: RunConfig): readonly string[] {
  return engine.name === 'torch' ? ['torch', engine.dtype, engine.device] : [];
}

async function modelHash(nameOrPath: string): Promise<string> {
  const path = embeddedModels.get(nameOrPath) ?? nameOrPath;
  if (!existsSync(path)) return sha256(['name', nameOrPath]);
  if (!statSync(path).isDirectory()) return cachedSha256(path);
  const names = (await readdir(path, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const hashes = await Promise.all(names.map((name) => cachedSha256(join(path, name))));
  return sha256(names.flatMap((name, at) => [name, hashes[at]!]));
}

async function rowsHash(source: string): Promise<string> {
  if (isBuiltinSource(source)) return sha256([JSON.stringify(readBuiltinSource(source))]);
  if (!isDatasetInfo(source)) return cachedSha256(source);
  const { file } = await resolveDataset(source);
  const [list = '', name = ''] = source.split('#');
  return sha256([name, await cachedSha256(list), await cachedSha256(file)]);
}
