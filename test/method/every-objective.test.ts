/** Method and loss are separate: every method trains with every preference objective, and resumes bit for bit. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { methods } from '../../src/method/index.ts';
import { SOFT_PROMPTS } from '../../src/model/adapter.ts';
import { Interrupted } from '../../src/support/errors.ts';
import { applyOverrides } from '../../src/train/config/overrides.ts';
import { workspace } from '../train/temporary-folder.ts';
import { ToyEngine, toyModel } from '../train/toy-engine.ts';
import { outcome, runToy, toyConfig } from '../train/toy-stream.ts';
import { taskPolicy } from './runs.ts';

const objectives = ['fpo', 'dpo', 'ipo', 'simpo', 'orpo', 'kto', 'hinge'];
const product = methods.flatMap(({ name }) => objectives.map((objective) => [name, objective] as const));

const small = [0, 1].flatMap((task) => [`tasks.${task}.train_rows=6`, `tasks.${task}.test_rows=2`]);
const oneEpoch = ['sft', 'preference'].map((stage) => `stages.${stage}.epochs=1`);
const configOf = (method: string, objective: string) =>
  applyOverrides(toyConfig({ method }), [
    ...small,
    ...oneEpoch,
    `stages.preference.objective={name: ${objective}}`,
    ...(method === 'l2p' ? ['lora=null'] : []),
  ]);

/** Runs until the engine has worked on so many rows; returns how many there were. */
async function run(folder: string, tree: ReturnType<typeof configOf>, cut = Number.POSITIVE_INFINITY) {
  const controller = new AbortController();
  let rows = 0;
  const engine = new ToyEngine({ onRow: () => (++rows > cut ? controller.abort() : undefined) });
  await runToy(tree, { folder, engine, environment: { signal: controller.signal } });
  return rows;
}

describe.each(product)('%s with %s', (method, objective) => {
  it('trains, and goes on where it was stopped as if nothing had happened', async () => {
    const tree = configOf(method, objective);
    const whole = workspace();
    const rows = await run(whole, tree);
    const last = await taskPolicy(join(whole, 'output'), '2-high');
    const values = Array.from(last.tensors.values(), ({ data }) => [...data]).flat();
    expect(values.every(Number.isFinite)).toBe(true);
    // A fresh adapter's B is zero, and a pool's vectors are embeddings.
    const fresh = Array.from({ length: 12 }, (_, token) => [...toyModel.embeddings.vectors([token])].join());
    const moved = Array.from(last.tensors).filter(([name, { shape, data }]) =>
      name === SOFT_PROMPTS
        ? !fresh.includes(data.slice(0, shape[1]).join())
        : name.includes('_B') && data.some((b) => b !== 0),
    );
    expect(moved).toHaveLength(method === 'l2p' ? 1 : 2);

    for (const share of [0.45, 0.75]) {
      const folder = workspace();
      await expect(run(folder, tree, Math.floor(share * rows))).rejects.toThrow(Interrupted);
      await runToy(tree, { folder, environment: { resume: true } });
      expect(outcome(join(folder, 'output'))).toEqual(outcome(join(whole, 'output')));
    }
  });
});
