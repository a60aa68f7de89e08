/** Memories in the words of schema.ts: what the folder's records say, for people who look at it from afar. */

import { ancestry } from '../../memory/store/lineage.ts';
import { describePrecisions, trainedPrecisions } from '../../memory/store/precision.ts';
import type { CommitMetrics } from '../../memory/store/records.ts';
import { preferenceRows } from '../../memory/store/rows.ts';
import { rowCounts, type Standing, standings } from '../../memory/store/standing.ts';
import type { Commit, MemoryStore } from '../../memory/store/store.ts';
import {
  gateSchema,
  type MemoryMatrix,
  type MemorySummary,
  type Move,
  type Sample,
  type Scores,
  type VersionDetail,
  type VersionSummary,
  versionDetailSchema,
} from './schema.ts';

const STATES = {
  head: 'head',
  'in head': 'in_head',
  'left out': 'left_out',
  aside: 'aside',
} as const satisfies Record<Standing, string>;

/** A memory that the service answers from. */
export interface ServedMemory {
  /** Of its models. */
  readonly name: string;
  readonly store: MemoryStore;
  /** The version that requests for the name get now; `null` where that is not known. */
  serving(): number | null;
}

export async function summarise({ name, store, serving }: ServedMemory): Promise<MemorySummary> {
  const { commit, entry } = await store.head();
  const { base } = await store.config();
  const { tasks, precision } = await heldBy(store, commit);
  const { number: head } = commit;
  const { versions, time: updated } = entry;
  return { name, base, precision, head, tasks: [...tasks], versions, serving: serving(), updated };
}

/** Of the newest commits asked for: pages ask every few seconds, and the way to the root is as long as the memory is old. */
const held = new WeakMap<MemoryStore, Held & { readonly hash: string }>();

interface Held {
  readonly tasks: readonly string[];
  readonly precision: string;
}

async function heldBy(store: MemoryStore, commit: Commit): Promise<Held> {
  const { hash } = commit;
  const known = held.get(store);
  if (known?.hash === hash) return known;
  const learned = await store.learned(commit);
  const precision = describePrecisions(await trainedPrecisions(store, commit, learned));
  const found = { hash, tasks: taskNames(learned), precision };
  held.set(store, found);
  return found;
}

/** All that were ever made, the newest first. */
export async function listVersions(store: MemoryStore): Promise<readonly VersionSummary[]> {
  const versions = await store.versions();
  const summary = await summaries(store);
  return Promise.all(versions.toReversed().map(summary));
}

async function summaries(store: MemoryStore): Promise<(commit: Commit) => Promise<VersionSummary>> {
  const { commit: head } = await store.head();
  const standing = await standings(store, head);
  return async (commit) => {
    const metrics = await store.metrics(commit);
    const { number: version, hash, kind, task, stage, time, note } = commit;
    const parent = commit.parent === null ? null : (await store.commit(commit.parent)).number;
    const state = STATES[standing(commit)];
    const passed = gateOf(metrics)?.passed ?? null;
    return {
      ...{ version, commit: hash, parent, kind, task, stage, time, note, state, passed },
      accuracies: accuracies(metrics?.after ?? {}),
    };
  };
}

function accuracies(after: CommitMetrics['after']): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(after).map(([task, scores]) => [task, scores.preference_accuracy]),
  );
}

/**
 * Preference accuracy of every task after every change on the way to the head. A version scores its new task before
 * it, too, which is where the row above has its number from: what was there already.
 */
export async function matrixOf(store: MemoryStore): Promise<MemoryMatrix> {
  const { commit: head } = await store.head();
  const line = await ancestry(store, head);
  const changes = line.filter(
    ({ kind, task }, at) => kind !== 'stage' || line[at + 1]?.task !== task || line[at + 1]?.kind !== 'stage',
  );
  const metrics = await Promise.all(changes.map((commit) => store.metrics(commit)));
  const tasks = [...new Set(line.flatMap(({ kind, task }) => (kind === 'stage' ? [task!] : [])))];
  const value = (scores: Scores | undefined) => scores?.preference_accuracy ?? null;
  const rows = changes.map(({ number: version, kind, task }, at) => ({
    version,
    name: kind === 'root' ? 'before' : kind === 'drop' ? `without ${task}` : task!,
    values: tasks.map((name) => value(metrics[at]?.after[name]) ?? value(metrics[at + 1]?.before[name])),
  }));
  return { tasks, rows };
}

/** @throws {UserError} for a version that is not there */
export async function describeVersion(
  { name, store }: ServedMemory,
  version: string,
): Promise<VersionDetail> {
  const commit = await store.resolve(version);
  const summary = await (await summaries(store))(commit);
  const metrics = await store.metrics(commit);
  const record = await store.taskRecord(commit);
  const learned = await store.learned(commit);
  const { consolidation, lora } = commit;
  const reports = Object.entries((await store.reports(commit)) ?? {});
  return versionDetailSchema.parse({
    ...summary,
    model: `${name}@v${commit.number}`,
    tasks: taskNames(learned),
    precision: describePrecisions(await trainedPrecisions(store, commit, learned)),
    lora,
    rows: record && rowCounts(record, await store.withdrawn()),
    buffer: (await store.buffer(commit)).length,
    consolidation: consolidation && {
      ...{ space: consolidation.space, threshold: consolidation.threshold, lambda: consolidation.lambda },
      kept_energy: consolidation.summary.kept_energy,
      old_directions: consolidation.summary.old_directions,
      matrices: reports.map(([matrix, { singularValues, keptRank, historyRank, energy }]) => ({
        name: matrix,
        singular_values: singularValues,
        kept_rank: keptRank,
        history_rank: historyRank,
        energy,
      })),
    },
    before: metrics?.before ?? {},
    after: metrics?.after ?? {},
    gate: gateOf(metrics),
    general: metrics?.['general'] ?? null,
    config: await store.commitConfig(commit),
  });
}

/** Report rows of tasks that a version holds, so many of each, to be asked of any two versions. None of private tasks. */
export async function sampleRows(
  store: MemoryStore,
  version: string,
  count: number,
): Promise<readonly Sample[]> {
  const commit = await store.resolve(version);
  const records = (await store.tasks(commit)).filter((record) => !record.private);
  const withdrawn = await store.withdrawn();
  const chosen = records.map(({ task, report }) => ({
    task,
    ids: report.filter((id) => !withdrawn.has(id)).slice(0, count),
  }));
  const texts = await store.rows(chosen.flatMap(({ ids }) => ids));
  return chosen.flatMap(({ task, ids }) =>
    preferenceRows(ids, texts).map(({ prompt, chosen: preferred }) => ({
      task,
      prompt: [...prompt],
      preferred,
    })),
  );
}

/** Where the head has been, the newest first. */
export async function listMoves(store: MemoryStore): Promise<readonly Move[]> {
  const numbers = new Map((await store.versions()).map(({ hash, number }) => [hash, number]));
  const moves: Move[] = [];
  for await (const { number: move, time, action, head, added, note } of store.entries()) {
    const versions = added.map((hash) => numbers.get(hash)!);
    moves.push({ move, time, action, head: numbers.get(head)!, added: versions, note });
  }
  return moves;
}

export function taskNames(learned: readonly Commit[]): string[] {
  return [...new Set(learned.map(({ task }) => task!))];
}

function gateOf(metrics: CommitMetrics | null) {
  return metrics?.['gate'] === undefined ? null : gateSchema.parse(metrics['gate']);
}
