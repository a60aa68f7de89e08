/** All tasks on their report rows, under the memory before an update and with it: for the record, deciding nothing. */
import type { TaskMetrics } from '../memory/store/records.ts';
import type { LoraAdapter } from '../model/adapter.ts';
import { Random } from '../support/random.ts';
import type { TaskRows } from '../train/task-rows.ts';
import type { GateSettings } from './gate/settings.ts';
import { type Measuring, metricsOf, valuesOf } from './measure.ts';
import { scoreDifference } from './score-difference.ts';

export interface ReportedTask {
  readonly task: string;
  readonly report: TaskRows;
}

export interface ReportMetrics {
  readonly before: Readonly<Record<string, TaskMetrics>>;
  /** With `change`: of the gate's score, with its interval. */
  readonly after: Readonly<Record<string, TaskMetrics>>;
}

export async function reportMetrics(
  tasks: readonly ReportedTask[],
  before: LoraAdapter,
  after: LoraAdapter,
  {
    gate,
    seed,
    measuring,
  }: { readonly gate: GateSettings; readonly seed: number; readonly measuring: Measuring },
): Promise<ReportMetrics> {
  const metrics = { before: new Map<string, TaskMetrics>(), after: new Map<string, TaskMetrics>() };
  for (const { task, report } of tasks) {
    const old = await measuring.version(report, before, `${task}, report rows before`);
    const now = await measuring.candidate(report, after, `${task}, report rows`);
    const random = Random.fromSeed(seed).fork(`report ${task}`);
    const [one, other] = [old, now].map((rows) => valuesOf(gate.score, rows)) as [number[], number[]];
    const { estimate, low, high } = scoreDifference(gate.score, one, other, random, gate);
    metrics.before.set(task, metricsOf(old));
    metrics.after.set(task, { ...metricsOf(now), change: { estimate, low, high } });
  }
  return { before: Object.fromEntries(metrics.before), after: Object.fromEntries(metrics.after) };
}
