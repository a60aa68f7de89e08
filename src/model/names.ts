/** Names of pulled models: which cached folder each stands for. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { makeFolder, writeJsonFile } from '../support/atomic-file.ts';
import { cacheFolder } from '../support/cache-folder.ts';
import { UserError } from '../support/errors.ts';
import { errorCode, fileError } from '../support/file-error.ts';
import { parseJsonFile } from '../support/json.ts';

const nameSchema = z.object({
  name: z.string(),
  /** The folder's name under the cache's models. */
  folder: z.string().refine((folder) => folder === basename(folder)),
  pulled: z.string(),
});

/** One pulled model. */
export type PulledName = z.infer<typeof nameSchema>;

/** Makes `name` stand for a folder of the cache from now on. */
export async function rememberName(name: string, folder: string): Promise<void> {
  const file = nameFile(name);
  await makeFolder(dirname(file));
  const content: PulledName = { name, folder: basename(folder), pulled: new Date().toISOString() };
  await writeJsonFile(file, content);
}

/** What `name` stands for, or `null` where it was never pulled. */
export async function lookUpName(name: string): Promise<PulledName | null> {
  const names = await listNames();
  return names.find((candidate) => candidate.name === name) ?? null;
}

export async function listNames(): Promise<PulledName[]> {
  const folder = namesFolder();
  let files: string[];
  try {
    files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw fileError(error, folder, 'read');
  }
  return Promise.all(files.map((file) => readName(join(folder, file))));
}

async function readName(file: string): Promise<PulledName> {
  const parsed = nameSchema.safeParse(await parseJsonFile(file));
  if (!parsed.success)
    throw new UserError(`${file}: is not a pulled model's name; remove the file and pull again`);
  return parsed.data;
}

function nameFile(name: string): string {
  return join(namesFolder(), `${encodeURIComponent(name)}.json`);
}

function namesFolder(): string {
  return join(cacheFolder(), 'names');
}
