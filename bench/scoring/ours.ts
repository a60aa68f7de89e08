/** One measurement of scoring by this engine, through the library's public interface: a process. */
import { createOrtEngine, openModel } from '../../src/index.ts';
import { readRequest, reportChild } from '../shared/report-child.ts';
import type { ScoringRequest } from './request.ts';

const request = readRequest<ScoringRequest>();
const engine = await createOrtEngine(await openModel(request.model), { threads: request.threads });
const rows = request.rows.map(({ prompt, chosen, rejected }) => ({
  prompt: Int32Array.from(prompt),
  chosen: Int32Array.from(chosen),
  rejected: Int32Array.from(rejected),
}));

await engine.score(rows.slice(0, request.warmUp), null);
const start = performance.now();
const { chosen, rejected } = await engine.score(rows, null);
const seconds = (performance.now() - start) / 1000;
await engine.close();
reportChild(seconds, { chosen: [...chosen], rejected: [...rejected] });
