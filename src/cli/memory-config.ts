/** A memory's settings as they come in: a YAML file, `--set`, `--base`; checked, with everything filled in. */
import * as z from 'zod';
import { type MemoryConfig, memoryConfigSchema } from '../memory/store/config.ts';
import { UserError } from '../support/errors.ts';
import { configError } from '../train/config/messages.ts';
import { applyOverrides, type ConfigTree } from '../train/config/overrides.ts';
import { readConfigTree } from '../train/config/read-tree.ts';

/** The section `learn`, checked by whoever learns. */
const learnSection = z.record(z.string(), z.json()).default({});

const schema = memoryConfigSchema(learnSection);

export interface MemorySettings {
  readonly file?: string | undefined;
  readonly set: readonly string[];
  readonly base?: string | undefined;
}

export interface ResolvedMemoryConfig {
  readonly config: MemoryConfig;
  /** Sections that were given, not filled in. */
  readonly given: ReadonlySet<string>;
  /** For messages. */
  readonly origin: string;
}

/** @throws {UserError} naming file and key of what is missing, unknown or out of range. */
export async function resolveMemoryConfig({
  file,
  set,
  base,
}: MemorySettings): Promise<ResolvedMemoryConfig> {
  const written =
    file === undefined ? {} : await readConfigTree(file, 'a mapping of keys such as base and learn');
  const tree = applyOverrides(base === undefined ? written : { ...written, base }, set);
  if (tree['base'] === undefined) {
    throw new UserError('--base: missing; expected a folder, a GGUF file or the name of a model');
  }
  const origin = file ?? 'settings';
  return { config: checkMemoryConfig(tree, origin), given: new Set(Object.keys(tree)), origin };
}

/** @throws {DataError} naming the key. */
export function checkMemoryConfig(tree: ConfigTree, file: string): MemoryConfig {
  const parsed = schema.safeParse(tree);
  if (parsed.success) return parsed.data;
  throw configError(file, schema, tree, parsed.error.issues);
}
