/** One gradient of FPO over a single pair of random tokens, LoRA r 8 on q and v: a process whose memory is measured. */
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { initialiseAdapter, linearModules, openModel, Random } from '../../src/index.ts';
import { createObjective } from '../../src/objective/index.ts';
import { readRequest, reportChild } from '../shared/report-child.ts';
import type { MemoryRequest } from './request.ts';
import { watchAnonymousMemory } from './watch.ts';

const request = readRequest<MemoryRequest>();
const peak = watchAnonymousMemory();
const model = await openModel(request.model);
const { threads, recompute } = request;
const engine = await createOrtEngine(model, { threads, recompute });
const random = Random.fromSeed(0);
const settings = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] };
const adapter = initialiseAdapter(settings, linearModules(model.config), random);
const ids = (count: number) =>
  Int32Array.from({ length: count }, () => random.integer(model.config.vocabularySize));
const row = { prompt: ids(request.prompt), chosen: ids(request.response), rejected: ids(request.response) };

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
reportChild(seconds, { peakAnonymousBytes: await peak() });
