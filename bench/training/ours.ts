/**
 * One measurement of our training: a process. It is what `lifealign train` does after reading its arguments:
 * the same functions, through the library's public interface, with a clock between loading and working.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openModelEnvironment, readRunConfig, runStream } from '../../src/index.ts';
import type { StepRecord } from '../../src/train/step-log.ts';
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
const counters = await environment.engine.counters?.();
await environment.engine.close();

const lines = (await readFile(join(output, 'steps.jsonl'), 'utf8')).trimEnd().split('\n');
const steps = lines.map((line): TrainingStep => {
  const record: StepRecord = JSON.parse(line);
  const {
    loss,
    tokens_per_second: tokensPerSecond,
    'logps/chosen': chosen,
    'logps/rejected': rejected,
  } = record;
  return { loss, tokensPerSecond, 'logps/chosen': chosen, 'logps/rejected': rejected! };
});
const onGpu = String(counters?.['device']).startsWith('cuda');
const peakDeviceBytes = onGpu ? Number(counters?.['peak_memory_bytes']) : null;
reportChild(seconds, { steps, peakDeviceBytes, counters });
