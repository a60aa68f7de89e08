/**
 * The adapter that a run continues: it brings settings of its own, rank, alpha and targets of LoRA matrices or those
 * of a prompt pool. A config may repeat them but not contradict.
 */
import type { Method } from '../../method/method.ts';
import { isPromptPool } from '../../model/adapter.ts';
import { readAdapterFolder } from '../../model/adapter-folder.ts';
import { promptPoolKeys } from '../../model/prompt-pool-folder.ts';
import type { DataError } from '../../support/errors.ts';
import { type ConfigTree, isTree } from './overrides.ts';
import type { RunConfig } from './schema.ts';

export type Refuse = (field: string, problem: string) => DataError;

interface Given {
  /** As written. */
  readonly tree: ConfigTree;
  /** With its defaults. */
  readonly config: RunConfig;
  readonly method: Method;
  readonly refuse: Refuse;
}

type Brought = Pick<RunConfig, 'lora'> | Pick<RunConfig, 'method_settings'>;

/** @throws {DataError} for an adapter of a kind that the method does not train, or a contradiction. */
export async function givenAdapter(
  folder: string,
  { tree, config, method, refuse }: Given,
): Promise<Brought> {
  const adapter = await readAdapterFolder(folder);
  const own = <T extends object>(part: 'lora' | 'method_settings', settings: T): T => {
    const given = tree[part];
    for (const [key, value] of Object.entries(settings)) {
      if (!isTree(given) || given[key] === undefined || sorted(given[key]) === sorted(value)) continue;
      const problem = `${JSON.stringify(given[key])}, but the adapter ${folder} has ${JSON.stringify(value)}`;
      throw refuse(`${part}.${key}`, problem);
    }
    return settings;
  };
  if (isPromptPool(adapter)) {
    if (!method.createPool) {
      throw refuse(
        'adapter',
        `${folder} holds a prompt pool; the method ${method.name} trains LoRA matrices`,
      );
    }
    const settings = own('method_settings', promptPoolKeys(adapter.settings));
    return { method_settings: { ...config.method_settings, ...settings } };
  }
  if (method.createPool) {
    throw refuse('adapter', `${folder} holds LoRA matrices; the method ${method.name} trains a prompt pool`);
  }
  const { rank, alpha, targets } = adapter.settings;
  return { lora: own('lora', { rank, alpha, targets: [...targets] }) };
}

/** For comparison: a list of targets has no order. */
function sorted(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value);
}
