/** One measurement of greedy generation by this engine, through the library's public interface: a process. */
import { createOrtEngine, openModel } from '../../src/index.ts';
import { readRequest, reportChild } from '../shared/report-child.ts';
import type { GenerationRequest } from './request.ts';

const request = readRequest<GenerationRequest>();
const { batchSize, newTokens, threads } = request;
const engine = await createOrtEngine(await openModel(request.model), { threads });
const prompts = request.prompts.map((prompt) => Int32Array.from(prompt));
const generate = (some: readonly Int32Array[], maxNewTokens: number) =>
  engine.generate(some, null, { maxNewTokens, stopTokens: [], batchSize });

await generate(prompts.slice(0, batchSize), 2);
const start = performance.now();
const answers = await generate(prompts, newTokens);
const seconds = (performance.now() - start) / 1000;
await engine.close();
reportChild(seconds, { answers: answers.map(({ tokens }) => [...tokens]) });
