/** What the tests of `lifealign evaluate` share: small tasks on the embedded base, in a folder of their own. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Adapter } from '../../src/model/adapter.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { writePeftAdapter } from '../../src/model/peft.ts';
import { Random } from '../../src/support/random.ts';
import { type BaseModel, openBaseModel } from '../../src/train/base-model.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import { contents, lifealign } from './command.ts';

/** Call at the top of a test file. */
export function useEvaluations() {
  const folder = useTemporaryCache();
  const at = (...names: string[]) => join(folder(), ...names);
  const evaluate = (...more: string[]) =>
    lifealign(
      ...['evaluate', '--output-dir', at('out'), '--max-new-tokens', '8', '--batch-size', '1'],
      ...['--threads', '1', ...more],
    );
  return {
    at,
    json: (...names: string[]) => JSON.parse(readFileSync(at(...names), 'utf8')),
    evaluate,
    onTiny: (...more: string[]) => evaluate('--model', 'tiny', '--tasks', at('tasks.yaml'), ...more),
    /** Names and content of all that was written. */
    written: () =>
      contents(at('out'))
        .filter((name) => name.includes('.'))
        .map((name) => [name, readFileSync(at('out', name), 'utf8')]),
    /** Two tasks of three rows each; JSON is YAML. */
    tasksFile: (...changes: object[]) => {
      const tasks = ['facts', 'voice'].map((name, k) => ({
        ...{ name, test: `builtin:${name}/test`, test_rows: 3, judge: name },
        ...changes[k],
      }));
      writeFileSync(at('tasks.yaml'), JSON.stringify({ tasks }));
    },
    /** Writes an adapter that changes something; the caller closes the base's engine. */
    writeAdapter: async (): Promise<{ base: BaseModel; adapter: Adapter }> => {
      const base = await openBaseModel('tiny', { threads: 1 });
      const settings = { rank: 2, alpha: 8, targets: ['q_proj', 'v_proj'] };
      const adapter = initialiseAdapter(settings, base.modules, Random.fromSeed(1));
      for (const { data } of adapter.tensors.values()) data.set(data.map((_, k) => Math.sin(k + 1) / 5));
      mkdirSync(at('adapter'));
      await writePeftAdapter(at('adapter'), adapter, { baseModel: 'tiny' });
      return { base, adapter };
    },
  };
}
