/**
 * Policies that can be made of a memory, beside the whole of it: tasks composed in any proportion, tasks retrieved for
 * each prompt. All are measured on every task's report rows, and each against the whole, row by row.
 */

import { pairedShareDifference } from '../eval/paired-shares.ts';
import type { RowScore } from '../eval/preference.ts';
import type { Interval } from '../eval/statistics.ts';
import type { Commit, MemoryStore } from '../memory/store/store.ts';
import type { LoraAdapter } from '../model/adapter.ts';
import type { TaskRows } from '../train/task-rows.ts';
import { type Measuring, metricsOf, valuesOf } from './measure.ts';
import { retrieve, type TaskIndex } from './retrieve.ts';
import { subset } from './split.ts';

export interface MemoryPolicy {
  /** For people: `a + 0.5 b`, `2 retrieved`. */
  readonly name: string;
  score(rows: TaskRows, label: string): Promise<readonly RowScore[]>;
  /** The tasks that each row gets, where that depends on the row. */
  tasksOf?(rows: TaskRows): readonly (readonly string[])[];
}

export function composedPolicy(name: string, adapter: LoraAdapter, measuring: Measuring): MemoryPolicy {
  return { name, score: (rows, label) => measuring.candidate(rows, adapter, label) };
}

/** @param count of tasks for each prompt */
export function retrievedPolicy(
  count: number,
  index: TaskIndex,
  memory: { readonly store: MemoryStore; readonly version: Commit },
  measuring: Measuring,
): MemoryPolicy {
  return {
    name: `${count} retrieved`,
    tasksOf: ({ encoded }) => encoded.map(({ prompt }) => index.nearest(prompt, count)),
    async score(rows, label) {
      const prompts = rows.encoded.map(({ prompt }) => prompt);
      const scores: RowScore[] = [];
      for (const { adapter, positions, tasks } of await retrieve(prompts, count, index, memory)) {
        const own = await measuring.candidate(
          subset(rows, positions),
          adapter,
          `${label}, ${tasks.join(' + ')}`,
        );
        for (const [at, position] of positions.entries()) scores[position] = own[at]!;
      }
      return scores;
    },
  };
}

export interface ComparedTask {
  readonly task: string;
  readonly rows: number;
  /** In the order of the policies; shares in percent. */
  readonly policies: readonly {
    readonly preference_accuracy: number;
    readonly reward_accuracy: number;
    readonly margin: number;
    /** Of the preference accuracy over the first policy's; `null` for that one. */
    readonly difference: Interval | null;
    /** % of rows whose own task was among those retrieved; `null` where nothing is. */
    readonly own_task: number | null;
  }[];
}

/** Coverage of intervals. */
const LEVEL = 0.95;

/** The first policy is the one that the others are compared with. */
export async function comparePolicies(
  tasks: readonly { readonly task: string; readonly report: TaskRows }[],
  policies: readonly MemoryPolicy[],
): Promise<readonly ComparedTask[]> {
  const compared: ComparedTask[] = [];
  for (const { task, report } of tasks) {
    const measured: (readonly RowScore[])[] = [];
    for (const policy of policies) measured.push(await policy.score(report, `${task}, ${policy.name}`));
    const preferred = measured.map((rows) => valuesOf('preference_accuracy', rows));
    compared.push({
      task,
      rows: report.rows.length,
      policies: policies.map((policy, at) => {
        const { rows: _, ...scores } = metricsOf(measured[at]!);
        const chosen = policy.tasksOf?.(report);
        return {
          ...scores,
          difference: at === 0 ? null : pairedShareDifference(preferred[0]!, preferred[at]!, LEVEL),
          own_task:
            chosen === undefined
              ? null
              : (100 * chosen.filter((names) => names.includes(task)).length) / chosen.length,
        };
      }),
    });
  }
  return compared;
}
