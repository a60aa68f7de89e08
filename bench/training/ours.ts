/**
 * One measurement of our training: a process. It is what `lifealign train` does after reading its arguments:
 * the same functions, through the library's public interface, with a clock between loading and working.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openModelEnvironment, readRunConfig, runStream } from '../../src/index.ts';
import { readRequest, reportChild } from '../shared/report-child.ts';
import type { OurRequest, TrainingStep } from './request.ts';

const { config: file, overrides = [], output, cache, threads } = readRequest<OurRequest>();
const log = () => {};
const config = await readRunConfig(file, overrides);
const environment = await openModelEnvironment(config.base, {
  threads,
  log,
  engine: config.engine,
});

const start = performance.now();
await runStream(config, { ...environment, outputFolder: output, cacheFolder: cache, log });
const seconds = (performance.now() - start) / 1000;
await environment.engine.close();

const lines = (await readFile(join(output, 'steps.jsonl'), 'utf8')).trimEnd().split('\n');
const steps = lines.map((line): TrainingStep => {
  const { loss, 'logps/chosen': chosen, 'logps/rejected': rejected } = JSON.parse(line);
  return { loss, 'logps/chosen': chosen, 'logps/rejected': rejected };
});
reportChild(seconds, { steps });
