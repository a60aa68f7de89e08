/** A version's scores before and after, task by task, as text. */
import { decimal } from '../eval/number-text.ts';
import type { CommitMetrics, TaskMetrics } from '../memory/store/records.ts';
import { textTable } from './memory-command.ts';

type Score = 'preference_accuracy' | 'reward_accuracy' | 'margin';

/** A line for each task in either. The margin is in nats, all else in percent. */
export function metricsTable({ before, after }: Pick<CommitMetrics, 'before' | 'after'>): string[] {
  const value = (scores: TaskMetrics | undefined, score: Score) =>
    decimal(scores?.[score] ?? null, score === 'margin' ? 2 : 1);
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const rows = names.map((name) => {
    const [old, now] = [before[name], after[name]];
    return [
      name,
      String(now?.rows ?? old?.rows ?? 0),
      value(old, 'preference_accuracy'),
      value(now, 'preference_accuracy'),
      decimal(difference(old?.preference_accuracy, now?.preference_accuracy)),
      value(old, 'reward_accuracy'),
      value(now, 'reward_accuracy'),
      value(old, 'margin'),
      value(now, 'margin'),
    ];
  });
  const head = ['task', 'rows', 'preferred', 'after', 'change', 'rewarded', 'after', 'margin', 'after'];
  return [
    'report rows, before and after: preferred %, rewarded over the base %, margin in nats',
    textTable([head, ...rows]),
  ];
}

function difference(before: number | null | undefined, after: number | null | undefined): number | null {
  return typeof before === 'number' && typeof after === 'number' ? after - before : null;
}
