/** One measurement of an effective batch with a given number of threads and lanes: a process. */
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { initialiseAdapter, linearModules, openModel, Random } from '../../src/index.ts';
import { createObjective } from '../../src/objective/index.ts';
import { readRequest, reportChild } from '../shared/report-child.ts';
import type { ThreadRequest } from './threads.ts';

const request = readRequest<ThreadRequest>();
const model = await openModel(request.model);
const { threads, lanes, pass } = request;
const engine = await createOrtEngine(model, { threads, lanes });
const settings = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] };
const adapter = initialiseAdapter(settings, linearModules(model.config), Random.fromSeed(0));
const rows = request.rows.map(({ prompt, chosen, rejected }) => ({
  prompt: Int32Array.from(prompt),
  chosen: Int32Array.from(chosen),
  rejected: Int32Array.from(rejected),
}));
const objective = createObjective({ name: 'dpo' });
const ones = () => new Float64Array(rows.length).fill(-1);
const constants = { reference_chosen: ones(), reference_rejected: ones() };
const work = () =>
  pass === 'score' ? engine.score(rows, adapter) : engine.gradients({ rows, adapter, objective, constants });

// Makes graphs and sessions.
await work();
const start = performance.now();
await work();
const seconds = (performance.now() - start) / 1000;
await engine.close();
reportChild(seconds, {});
