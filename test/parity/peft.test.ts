/** An adapter folder that we wrote is read by PEFT itself: same placement, same scaling, same log-probs. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import type { LoraTensor } from '../../src/model/adapter.ts';
import { linearModules } from '../../src/model/linear-modules.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { writePeftAdapter } from '../../src/model/peft.ts';
import { Random } from '../../src/support/random.ts';
import { LOGP_TOLERANCE, worstRelative } from './comparison.ts';
import { runOracle } from './environment.ts';

const MODEL = fileURLToPath(new URL('fixtures/models/untied-gqa', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-peft-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each([
  { targets: ['q_proj', 'v_proj'], rank: 8, alpha: 16 },
  { targets: ['k_proj', 'o_proj', 'down_proj', 'up_proj', 'gate_proj'], rank: 3, alpha: 5 },
  { targets: ['model.layers.0.self_attn.q_proj'], rank: 2, alpha: 4 },
])('is read by PEFT: $targets', async (settings) => {
  const model = await openModelFolder(MODEL);
  const random = Random.fromSeed(7);
  const fresh = initialiseAdapter(settings, linearModules(model.config), random);
  // A fresh B is zero and would hide everything.
  const noisy = ({ shape, data }: LoraTensor): LoraTensor => ({
    shape,
    data: data.map((value) => value + random.uniform() - 0.5),
  });
  const adapter = { ...fresh, tensors: new Map([...fresh.tensors].map(([name, one]) => [name, noisy(one)])) };
  const path = join(folder, settings.targets.length.toString());
  await writePeftAdapter(path, adapter, { baseModel: 'untied-gqa' });

  const ids = (count: number) =>
    Int32Array.from({ length: count }, () => random.integer(model.config.vocabularySize));
  const rows = [3, 12].map((length) => ({
    prompt: ids(length),
    chosen: ids(length + 1),
    rejected: ids(length),
  }));
  const plain = rows.map((row) => ({
    prompt: [...row.prompt],
    chosen: [...row.chosen],
    rejected: [...row.rejected],
  }));
  const [sequences, output] = [join(folder, 'sequences.json'), join(folder, 'logps.json')];
  await writeFile(sequences, JSON.stringify(plain));
  await runOracle('peft_logps.py', MODEL, path, sequences, output);
  const expected = JSON.parse(await readFile(output, 'utf8'));

  const engine = await createOrtEngine(model);
  const [base, { chosen, rejected }] = [await engine.score(rows, null), await engine.score(rows, adapter)];
  await engine.close();
  expect(worstRelative(chosen, [...base.chosen])).toBeGreaterThan(0.01);
  expect(worstRelative(chosen, expected.chosen)).toBeLessThanOrEqual(LOGP_TOLERANCE);
  expect(worstRelative(rejected, expected.rejected)).toBeLessThanOrEqual(LOGP_TOLERANCE);
});
