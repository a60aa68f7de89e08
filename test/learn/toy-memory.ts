/** Memories over the toy engine: tasks of letters that agree or contradict, learned in a fraction of a second. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withPromptPools } from '../../src/engine/prompted-engine.ts';
import { learnSettings } from '../../src/learn/config.ts';
import { type LearnEnvironment, type LearnOutcome, learnTask } from '../../src/learn/learn.ts';
import { createMemory } from '../../src/memory/store/create.ts';
import { lockMemory } from '../../src/memory/store/writer.ts';
import { Random } from '../../src/support/random.ts';
import { ToyEngine, toyEmbeddings, toyModel, toyText } from '../train/toy-engine.ts';

const lora = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
const seed = 0;
export const toyHashes = { base: 'toy', ...toyText.identity };

const stage = { epochs: 2, batch_size: 4, warmup_ratio: 0, learning_rate: 0.05 };
/** The section `learn` of a toy memory's config. */
export const toyLearn = {
  stages: { sft: stage, preference: stage },
  general: { rows: 'builtin:neutral/general', limit: 4, max_new_tokens: 4 },
  split: { gate: 24, report: 12 },
  gate: { max_drift: null, resamples: 500 },
};

/** Makes the memory `memory` in the folder. */
export async function createToyMemory(
  folder: string,
  learn: object = toyLearn,
  precisions: readonly string[] = [],
) {
  const adapter = toyModel.createAdapter(lora, Random.fromSeed(seed).fork('adapter'));
  const config = { base: '/toy', lora, seed, learn: learn as Record<string, never> };
  return createMemory(join(folder, 'memory'), { config, hashes: toyHashes, adapter, precisions });
}

export interface ToyRows {
  /** Letters of preferred answers and of the others. */
  readonly chosen: string;
  readonly rejected: string;
  readonly count?: number;
  /** Letters of prompts. */
  readonly queries?: string;
}

/** Writes `<name>.json`; returns its path. */
export function writeToyTask(
  folder: string,
  name: string,
  { chosen, rejected, count = 72, queries = 'abcdefghij' }: ToyRows,
): string {
  const random = Random.fromSeed(3).fork(name);
  const text = (letters: string) =>
    Array.from({ length: 3 + random.integer(4) }, () => letters[random.integer(letters.length)]).join('');
  const seen = new Set<string>();
  const query = () => {
    let drawn = text(queries);
    // No prompt twice: equal ones would lie in one part of the split.
    while (seen.has(drawn)) drawn += queries[random.integer(queries.length)];
    seen.add(drawn);
    return drawn;
  };
  const rows = Array.from({ length: count }, () => ({
    query: query(),
    chosen: text(chosen),
    rejected: text(rejected),
  }));
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(rows));
  return file;
}

export interface ToyLearn {
  readonly task: string;
  readonly data: string;
  readonly set?: readonly string[];
  readonly restart?: boolean;
  readonly engine?: ToyEngine;
  readonly environment?: Partial<LearnEnvironment>;
}

/** `learn` in the folder's memory. */
export async function learnToy(
  folder: string,
  { task, data, set = [], restart = false, engine = new ToyEngine(), environment = {} }: ToyLearn,
): Promise<LearnOutcome> {
  const writer = await lockMemory(join(folder, 'memory'));
  try {
    const { learn, base, lora: settings, seed: own } = await writer.store.config();
    const basis = { base, lora: settings, seed: own };
    const file = join(folder, 'memory', 'config.yaml');
    const request = {
      ...{ task, data, restart, test: null, private: false, basis, hashes: toyHashes },
      settings: await learnSettings(learn, basis, set, { file, folder }),
    };
    return await learnTask(writer, request, {
      ...{ engine: withPromptPools(engine, toyEmbeddings), text: toyText },
      ...toyModel,
      ...environment,
    });
  } finally {
    writer.release();
  }
}
