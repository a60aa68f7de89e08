/** What of a training step is none of the engine's: optimizer, methods, the way of rows, logs and checkpoints. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Engine } from '../../src/engine/engine.ts';
import { loadTextModel, openModel, openModelEnvironment, readRunConfig, runStream } from '../../src/index.ts';
import { writeFileAtomic, writeJsonFile } from '../../src/support/atomic-file.ts';
import { firstPairs } from '../shared/pairs.ts';
import { withScratchFolder } from '../shared/scratch.ts';

export interface Overhead {
  /** Steps that follow another of their stage. */
  readonly steps: number;
  /** Of these, in the engine and out of it. */
  readonly engineSeconds: number;
  readonly otherSeconds: number;
}

export interface OverheadOptions {
  readonly set: string;
  readonly data: string;
  readonly rows: number;
  readonly batchSize: number;
  readonly threads: number;
}

/** LifeAlign over one task with SmolLM2-135M-Instruct, one epoch a stage. */
export function measureOverhead(base: string, options: OverheadOptions): Promise<Overhead> {
  const { set, data, rows: count, batchSize, threads } = options;
  return withScratchFolder(async (folder) => {
    const model = await openModel(base);
    const text = await loadTextModel(model.path, model.config.vocabularySize);
    const pairs = await firstPairs({ model, text, set, data, count });
    const [file, rows] = [join(folder, 'config.yaml'), join(folder, 'rows.json')];
    await writeJsonFile(
      rows,
      pairs.map(({ row: { prompt, chosen, rejected } }) => ({ prompt, chosen, rejected })),
    );
    const stage = { epochs: 1, batch_size: batchSize };
    await writeFileAtomic(
      file,
      stringify({
        base: model.path,
        method: 'lifealign',
        tasks: [{ name: 'pairs', train: rows, test: rows, test_rows: 1, private: true }],
        stages: { sft: stage, preference: stage },
        generation: { samples: 0 },
        general: null,
      }),
    );
    const config = await readRunConfig(file);
    const log = () => {};
    const environment = await openModelEnvironment(config.base, { threads, log });
    const watched = watchGradients(environment.engine);
    try {
      await runStream(config, {
        ...environment,
        engine: watched.engine,
        outputFolder: join(folder, 'run'),
        cacheFolder: join(folder, 'cache'),
        log,
      });
    } finally {
      await environment.engine.close();
    }
    return watched.overhead();
  });
}

/** Clocks on the gradients: what lies between two of the same objective is the rest of a step. */
function watchGradients(engine: Engine): { engine: Engine; overhead: () => Overhead } {
  const calls: { objective: string; begins: number; ends: number }[] = [];
  const watched: Engine = {
    identity: engine.identity,
    precision: engine.precision,
    score: (...args) => engine.score(...args),
    generate: (...args) => engine.generate(...args),
    openGeneration: (...args) => engine.openGeneration(...args),
    checkBackward: (...args) => engine.checkBackward(...args),
    close: () => engine.close(),
    async gradients(request, options) {
      const begins = performance.now();
      const result = await engine.gradients(request, options);
      calls.push({ objective: request.objective.key, begins, ends: performance.now() });
      return result;
    },
  };
  const overhead = () => {
    let [steps, engineSeconds, otherSeconds] = [0, 0, 0];
    for (const [at, call] of calls.entries()) {
      const before = calls[at - 1];
      if (before?.objective !== call.objective) continue;
      steps += 1;
      engineSeconds += (call.ends - call.begins) / 1000;
      otherSeconds += (call.begins - before.ends) / 1000;
    }
    return { steps, engineSeconds, otherSeconds };
  };
  return { engine: watched, overhead };
}
