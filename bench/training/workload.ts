/** What both programs are given: the same pairs, their order, and the adapter both start from, in one folder. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  type EncodedRow,
  initialiseAdapter,
  linearModules,
  loadTextModel,
  type ModelFolder,
  Random,
  writePeftAdapter,
} from '../../src/index.ts';
import { makeFolder, writeFileAtomic, writeJsonFile } from '../../src/support/atomic-file.ts';
import { firstPairs } from '../shared/pairs.ts';
import { RECIPE } from './request.ts';

export interface WorkloadOptions {
  readonly model: ModelFolder;
  /** One of the benchmark's sets, in its folder. */
  readonly set: string;
  readonly data: string;
  /** A multiple of the effective batch: TRL's order knows no epochs. */
  readonly rows: number;
  readonly epochs: number;
  /** An empty one, which the caller removes: it holds people's texts. */
  readonly folder: string;
}

export interface Workload {
  readonly model: string;
  /** For us: a run's config. For TRL: rows of token ids and their order. */
  readonly config: string;
  /** The same with `backward: int8`. */
  readonly int8Config: string;
  readonly encoded: string;
  readonly adapter: string;
  /** For what measurements write. */
  readonly scratch: string;
  /** Over all epochs: prompt and response of both sides of every pair, so that a shared prompt counts twice. */
  readonly tokens: number;
  /** Means over the rows. */
  readonly promptLength: number;
  readonly responseLength: number;
}

/** Writes the first rows of a set that are valid and fit whole. */
export async function prepareWorkload(options: WorkloadOptions): Promise<Workload> {
  const { model, rows: count, epochs, folder } = options;
  const text = await loadTextModel(model.path, model.config.vocabularySize);
  const pairs = await firstPairs({ ...options, text, count });
  const [rows, adapter] = [join(folder, 'rows.json'), join(folder, 'adapter')];
  const [config, encoded] = [join(folder, 'config.yaml'), join(folder, 'encoded.json')];
  await makeFolder(folder);
  await writeJsonFile(
    rows,
    pairs.map(({ row: { prompt, chosen, rejected } }) => ({ prompt, chosen, rejected })),
  );
  const random = Random.fromSeed(RECIPE.seed);
  const lora = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] };
  await writePeftAdapter(adapter, initialiseAdapter(lora, linearModules(model.config), random), {
    baseModel: model.path,
  });
  await writeFileAtomic(config, stringify(runConfig(options, rows, adapter)));
  const int8Config = join(folder, 'config-int8.yaml');
  await writeFileAtomic(int8Config, stringify({ ...runConfig(options, rows, adapter), backward: 'int8' }));
  const ids = pairs.map(({ ids: { prompt, chosen, rejected } }) => ({
    prompt_ids: [...prompt],
    chosen_ids: [...chosen],
    rejected_ids: [...rejected],
  }));
  await writeJsonFile(encoded, { rows: ids, order: rowOrder(count, epochs) });
  const sum = (length: (ids: EncodedRow) => number) =>
    pairs.reduce((total, one) => total + length(one.ids), 0);
  const [prompts, responses] = [
    sum(({ prompt }) => prompt.length),
    sum(({ chosen, rejected }) => chosen.length + rejected.length),
  ];
  return {
    ...{ model: model.path, config, int8Config, encoded, adapter, scratch: folder },
    tokens: epochs * (2 * prompts + responses),
    promptLength: prompts / count,
    responseLength: responses / (2 * count),
  };
}

/**
 * One task, one stage. What the program does besides training stays as small as it lets us: a single test row is
 * scored, before and after, and that time counts as ours.
 */
function runConfig({ model, epochs }: WorkloadOptions, rows: string, adapter: string): object {
  return {
    base: model.path,
    adapter,
    method: 'seqft',
    tasks: [{ name: 'pairs', train: rows, test: rows, test_rows: 1, private: true }],
    stages: {
      sft: { epochs: 0 },
      preference: {
        epochs,
        learning_rate: RECIPE.learningRate,
        batch_size: RECIPE.effectiveBatch,
        schedule: 'cosine',
        warmup_ratio: RECIPE.warmupRatio,
        objective: { name: 'dpo', beta: RECIPE.beta },
      },
    },
    generation: { samples: 0 },
    general: null,
    seed: RECIPE.seed,
  };
}

/**
 * The order in which a run of this seed takes its rows, of all epochs one after another. If it were another,
 * the log-probs of the first step would not agree, and the report shows them.
 */
function rowOrder(rows: number, epochs: number): number[] {
  const positions = Array.from({ length: rows }, (_, at) => at);
  const random = Random.fromSeed(RECIPE.seed);
  const orderOf = (epoch: number) => random.fork(`task 0 preference epoch ${epoch}`).shuffle(positions);
  return Array.from({ length: epochs }, (_, epoch) => orderOf(epoch)).flat();
}
