/**
 * Peak resident memory of one gradient of FPO, SmolLM2-135M-Instruct, LoRA r 8 on q and v, for a pair that
 * fills a given number of tokens in all (prompt once, chosen, rejected). Prints one JSON line.
 *
 *     npm run bench:memory -- [tokens, 2048 unless told]
 */
import { performance } from 'node:perf_hooks';
import { createOrtEngine } from '../src/engine/ort/index.ts';
import { linearModules } from '../src/model/linear-modules.ts';
import { initialiseAdapter } from '../src/model/lora-modules.ts';
import { openModel } from '../src/model/resolve.ts';
import { createObjective } from '../src/objective/index.ts';
import { Random } from '../src/support/random.ts';

const tokens = Number(process.argv[2] ?? 2048);
const model = await openModel('smollm2-135m-instruct');
const engine = await createOrtEngine(model);
const random = Random.fromSeed(0);
const settings = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] };
const adapter = initialiseAdapter(settings, linearModules(model.config), random);
const ids = (count: number) =>
  Int32Array.from({ length: count }, () => random.integer(model.config.vocabularySize));
const response = Math.floor(tokens / 3);
const row = { prompt: ids(tokens - 2 * response), chosen: ids(response), rejected: ids(response) };

const reference = await engine.score([row], null);
const start = performance.now();
await engine.gradients({
  rows: [row],
  adapter,
  objective: createObjective({ name: 'fpo' }),
  constants: { reference_chosen: reference.chosen, reference_rejected: reference.rejected },
});
const seconds = (performance.now() - start) / 1000;
await engine.close();
process.stdout.write(
  `${JSON.stringify({ name: 'memory', tokens, seconds, peak_resident_bytes: process.resourceUsage().maxRSS * 1024 })}\n`,
);
