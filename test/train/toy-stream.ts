/** A stream of two tasks for the toy engine, runs over it, and what they leave. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withPromptPools } from '../../src/engine/prompted-engine.ts';
import { Random } from '../../src/support/random.ts';
import type { ConfigTree } from '../../src/train/config/overrides.ts';
import { resolveRunConfig } from '../../src/train/config/resolve.ts';
import type { RunEnvironment } from '../../src/train/environment.ts';
import { runStream } from '../../src/train/stream.ts';
import { ToyEngine, toyEmbeddings, toyModel, toyText } from './toy-engine.ts';

/** Writes data files of two tasks that disagree: the first prefers low letters, the second high ones. */
export function writeToyData(folder: string): void {
  for (const [name, chosenFrom, rejectedFrom] of [
    ['low', 'abcde', 'fghij'],
    ['high', 'ghij', 'abcd'],
  ] as const) {
    const random = Random.fromSeed(3).fork(name);
    const text = (letters: string) =>
      Array.from({ length: 3 + random.integer(4) }, () => letters[random.integer(letters.length)]).join('');
    const rows = (count: number) =>
      Array.from({ length: count }, () => ({
        query: text('abcdefghij'),
        chosen: text(chosenFrom),
        rejected: text(rejectedFrom),
      }));
    writeFileSync(join(folder, `${name}-train.json`), JSON.stringify(rows(18)));
    writeFileSync(join(folder, `${name}-test.json`), JSON.stringify(rows(10)));
  }
}

/** A config over those files that learns within a few steps; `changes` replace whole top-level keys. */
export function toyConfig(changes: ConfigTree = {}): ConfigTree {
  const stage = { epochs: 2, batch_size: 4, warmup_ratio: 0 };
  return {
    // Absolute: adapters name it, and runs in two folders must agree.
    base: '/toy',
    lora: { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] },
    tasks: ['low', 'high'].map((name) => ({ name, train: `${name}-train.json`, test: `${name}-test.json` })),
    general: null,
    stages: { sft: { ...stage, learning_rate: 0.02 }, preference: { ...stage, learning_rate: 0.02 } },
    ...changes,
  };
}

export interface ToyRun {
  readonly folder: string;
  readonly engine?: ToyEngine;
  readonly environment?: Partial<RunEnvironment>;
}

/** Runs a config over the data in `folder`; the output goes to its `output` folder. */
export async function runToy(
  tree: ConfigTree,
  { folder, engine = new ToyEngine(), environment = {} }: ToyRun,
) {
  const config = await resolveRunConfig(tree, { file: 'toy.yaml', folder });
  return runStream(config, {
    engine: withPromptPools(engine, toyEmbeddings),
    text: toyText,
    ...toyModel,
    outputFolder: join(folder, 'output'),
    cacheFolder: join(folder, 'cache'),
    ...environment,
  });
}

/**
 * Everything a finished run computed, by file: adapters, matrix, scores, and steps without their speed. Two
 * runs that did the same have the same outcome to the last bit.
 */
export function outcome(outputFolder: string): Record<string, string> {
  const files = readdirSync(outputFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(outputFolder.length + 1))
    .filter((file) => file.startsWith('tasks') || ['matrix.json', 'steps.jsonl'].includes(file));
  return Object.fromEntries(
    files.sort().map((file) => {
      const bytes = readFileSync(join(outputFolder, file));
      if (file !== 'steps.jsonl') return [file, bytes.toString('base64')];
      return [file, bytes.toString().replace(/"tokens_per_second":[^}]*/g, '')];
    }),
  );
}
