/** What a task costs early and late in a long stream on the embedded base: training, consolidation, history. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openModelEnvironment, readRunConfig, runStream } from '../../src/index.ts';
import { writeFileAtomic } from '../../src/support/atomic-file.ts';
import type { ProgressFactory } from '../../src/support/progress.ts';
import { withScratchFolder } from '../shared/scratch.ts';

const NAMES = ['empathy', 'facts', 'voice', 'format', 'safety', 'honesty'];

export interface StreamCost {
  /** Seconds of each task from the end of the last one's testing to the beginning of its own. */
  readonly training: readonly number[];
  /** Of the whole run; what is tested grows with the tasks. */
  readonly seconds: number;
}

/** @param count of tasks, of 16 rows each; the replay buffer is small, so that all tasks train on as many */
export function measureStream(count: number): Promise<StreamCost> {
  return withScratchFolder(async (folder) => {
    const file = join(folder, 'config.yaml');
    await writeFileAtomic(file, stringify(streamConfig(count)));
    const config = await readRunConfig(file);
    const log = () => {};
    const environment = await openModelEnvironment(config.base, { threads: 1, log });
    const clock = taskClock(count);
    const start = performance.now();
    try {
      await runStream(config, {
        ...environment,
        outputFolder: join(folder, 'run'),
        cacheFolder: join(folder, 'cache'),
        progress: clock.progress,
        log,
      });
    } finally {
      await environment.engine.close();
    }
    return { training: clock.training(), seconds: (performance.now() - start) / 1000 };
  });
}

function streamConfig(count: number): object {
  const stage = { epochs: 1, batch_size: 8 };
  return {
    base: 'tiny',
    method: 'lifealign',
    tasks: Array.from({ length: count }, (_, at) => {
      const name = NAMES[at % NAMES.length]!;
      const rows = (split: string) => `builtin:${name}/${split}?seed=${at}`;
      return {
        name: `${name}-${at + 1}`,
        train: rows('train'),
        test: rows('test'),
        train_rows: 16,
        test_rows: 2,
      };
    }),
    stages: { sft: stage, preference: stage },
    replay: { capacity: 8 },
    generation: { samples: 0 },
    general: null,
  };
}

/** Reads times off what a run tells of its progress: labels say the task, and whether it is being tested. */
function taskClock(count: number): { progress: ProgressFactory; training: () => number[] } {
  const testing = Array.from({ length: count }, () => ({ begins: 0, ends: 0 }));
  const progress: ProgressFactory = ({ label }) => {
    const [, number, what] = /^task (\d+)\/\d+ [^,]*, (.*)$/.exec(label) ?? [];
    const times = what?.startsWith('testing') ? testing[Number(number) - 1]! : { begins: 0, ends: 0 };
    if (times.begins === 0) times.begins = performance.now();
    return {
      advance() {},
      stop() {
        times.ends = performance.now();
      },
    };
  };
  // The first task has none before it.
  const training = () => testing.slice(1).map(({ begins }, at) => (begins - testing[at]!.ends) / 1000);
  return { progress, training };
}
