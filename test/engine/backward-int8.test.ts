/** The embedded engine's backward pass in 8-bit integers: the same losses, and nearly the same gradients. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPreferenceRows } from '../../src/data/read-rows.ts';
import type { Engine, GradientRequest } from '../../src/engine/engine.ts';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { type Adapter, mapAdapter } from '../../src/model/adapter.ts';
import { linearModules } from '../../src/model/linear-modules.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { openModel } from '../../src/model/resolve.ts';
import { createObjective } from '../../src/objective/index.ts';
import { Random } from '../../src/support/random.ts';
import { encodeRows } from '../../src/text/segments.ts';
import { loadTextModel } from '../../src/text/text-model.ts';

const TINY = fileURLToPath(new URL('../../models/tiny', import.meta.url));

let engine: Engine;
let request: GradientRequest;
let adapter: Adapter;

beforeAll(async () => {
  const model = await openModel(TINY);
  engine = await createOrtEngine(model);
  const text = await loadTextModel(model.path);
  const { rows } = await readPreferenceRows('builtin:facts/train', { invalidRows: 'error' });
  const options = { file: 'facts', maxLength: 256, invalidRows: 'error', limit: 6 } as const;
  const { encoded } = encodeRows(rows, text, options);
  const random = Random.fromSeed(2);
  const settings = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj', 'down_proj'] };
  const fresh = initialiseAdapter(settings, linearModules(model.config), random);
  adapter = mapAdapter(fresh, ({ data }) => data.map((value) => value + 0.01 * (2 * random.uniform() - 1)));
  const { chosen, rejected } = await engine.score(encoded, null);
  const constants = { reference_chosen: chosen, reference_rejected: rejected };
  request = { rows: encoded, adapter, objective: createObjective({ name: 'fpo' }), constants };
});
afterAll(() => engine?.close());

const flat = (gradients: ReadonlyMap<string, Float32Array>) =>
  [...gradients.values()].flatMap((one) => [...one]);
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0);
const cosine = (a: readonly number[], b: readonly number[]) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

describe('int8 beside float32 on the weights of models/tiny', () => {
  it('has the same loss and log-probs, bit for bit', async () => {
    const [exact, fast] = [
      await engine.gradients(request),
      await engine.gradients({ ...request, backward: 'int8' }),
    ];
    expect(fast.loss).toBe(exact.loss);
    expect(fast.logps).toEqual(exact.logps);
  });

  it.each([createObjective({ name: 'fpo' }), createObjective({ name: 'sft' })])(
    'has nearly the same gradients, all together and matrix by matrix: $name',
    async (objective) => {
      const asked = { ...request, objective };
      const exact = await engine.gradients(asked);
      const fast = await engine.gradients({ ...asked, backward: 'int8' });
      expect(cosine(flat(fast.gradients), flat(exact.gradients))).toBeGreaterThan(0.998);
      for (const [name, values] of exact.gradients) {
        expect(cosine([...fast.gradients.get(name)!], [...values]), name).toBeGreaterThan(0.98);
      }
      expect(fast.gradients).not.toEqual(exact.gradients);
    },
  );

  it('gives the same numbers again', async () => {
    const once = await engine.gradients({ ...request, backward: 'int8' });
    expect(await engine.gradients({ ...request, backward: 'int8' })).toEqual(once);
  });
});
