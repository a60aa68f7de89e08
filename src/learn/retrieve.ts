/**
 * Which tasks a prompt belongs to: those whose training prompts' mean is nearest to it. A prompt is the mean of its
 * tokens' embeddings in the base, as L2P's query is, so nothing is trained and no model is run. Nearest by distance:
 * what all prompts share (the template's own tokens, common words) then cancels, which it would not in a cosine.
 * [the query of Wang et al. 2022, "Learning to Prompt for Continual Learning", arXiv:2112.08654, with the embeddings'
 * mean in the place of a pretrained encoder]
 */
import type { PromptRow } from '../data/row.ts';
import { preferenceRows } from '../memory/store/rows.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { LoraAdapter } from '../model/adapter.ts';
import type { TokenEmbeddings } from '../model/token-embeddings.ts';
import { UserError } from '../support/errors.ts';
import { encodePrompts } from '../text/prompts.ts';
import type { BaseModel } from '../train/base-model.ts';
import { compose } from './compose.ts';

/** The base's view of a prompt. */
export interface PromptSide {
  readonly embeddings: TokenEmbeddings;
  encodePrompts(rows: readonly PromptRow[]): readonly Int32Array[];
}

export function promptSide({ text, embeddings, model }: BaseModel): PromptSide {
  const { maxPositions } = model.config;
  const options = { file: 'memory', maxPositions: maxPositions + 1, invalidRows: 'skip' } as const;
  return { embeddings, encodePrompts: (rows) => encodePrompts(rows, text, options).prompts };
}

export class TaskIndex {
  /** In the order in which they were learned. */
  readonly tasks: readonly string[];
  readonly #means: readonly Float64Array[];
  readonly #embeddings: TokenEmbeddings;

  constructor(
    tasks: readonly { readonly task: string; readonly mean: Float64Array }[],
    embeddings: TokenEmbeddings,
  ) {
    this.tasks = tasks.map(({ task }) => task);
    this.#means = tasks.map(({ mean }) => mean);
    this.#embeddings = embeddings;
  }

  /**
   * Of the training prompts that have not been withdrawn; a task of which none is left is never chosen.
   * @throws {UserError} if there is no task to choose from.
   */
  static async open(store: MemoryStore, version: Commit, side: PromptSide): Promise<TaskIndex> {
    const records = await store.tasks(version);
    const texts = await store.rows(records.flatMap(({ train }) => train));
    const tasks = records.flatMap(({ task, train }) => {
      const rows = preferenceRows(train, texts);
      const means = side.encodePrompts(rows).map((prompt) => side.embeddings.mean(prompt));
      return means.length === 0 ? [] : [{ task, mean: meanOf(means, side.embeddings.hiddenSize) }];
    });
    if (tasks.length === 0) throw new UserError(`${store.folder}: it has no task to choose from`);
    return new TaskIndex(tasks, side.embeddings);
  }

  /** The `count` nearest tasks, in the order in which they were learned. */
  nearest(prompt: Int32Array, count: number): readonly string[] {
    const query = this.#embeddings.mean(prompt);
    const distances = this.#means.map((mean) => squaredDistance(query, mean));
    const order = [...distances.keys()].sort((a, b) => distances[a]! - distances[b]! || a - b);
    return order
      .slice(0, count)
      .sort((a, b) => a - b)
      .map((at) => this.tasks[at]!);
  }
}

export interface RetrievedGroup {
  readonly tasks: readonly string[];
  /** Of the prompts that get them. */
  readonly positions: readonly number[];
  readonly adapter: LoraAdapter;
}

/** Prompts by the tasks that were chosen for them, with the adapter that these make. */
export async function retrieve(
  prompts: readonly Int32Array[],
  count: number,
  index: TaskIndex,
  { store, version }: { readonly store: MemoryStore; readonly version: Commit },
): Promise<readonly RetrievedGroup[]> {
  const groups = new Map<string, { tasks: readonly string[]; positions: number[] }>();
  for (const [position, prompt] of prompts.entries()) {
    const tasks = index.nearest(prompt, count);
    const key = JSON.stringify(tasks);
    const group = groups.get(key) ?? { tasks, positions: [] };
    group.positions.push(position);
    groups.set(key, group);
  }
  const made: RetrievedGroup[] = [];
  for (const group of groups.values()) {
    const parts = group.tasks.map((task) => ({ task, weight: 1 }));
    made.push({ ...group, adapter: await compose(store, version, parts) });
  }
  return made;
}

function meanOf(vectors: readonly Float64Array[], size: number): Float64Array {
  const mean = new Float64Array(size);
  for (const vector of vectors) for (let at = 0; at < size; at++) mean[at]! += vector[at]! / vectors.length;
  return mean;
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0);
}
