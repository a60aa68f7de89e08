/** How far a bench is, and how long the rest will take by what finished runs took. */
import { formatDuration } from '../../support/progress.ts';

/** Runs of one kind take about as long. */
export interface TimedRun {
  readonly kind: string;
  readonly seconds: number;
}

export interface RunUnderWay {
  readonly title: string;
  readonly kind: string;
  /** What is being done, in the run's own words. */
  readonly label: string;
  /** Of this sitting. */
  readonly seconds: number;
}

export interface BenchState {
  readonly done: readonly TimedRun[];
  readonly underWay: readonly RunUnderWay[];
  /** Kinds of the runs that wait. */
  readonly waiting: readonly string[];
  /** Runs at a time. */
  readonly parallel: number;
}

/** Seconds; `null` while no run has been finished. */
export function timeLeft({ done, underWay, waiting, parallel }: BenchState): number | null {
  if (done.length === 0) return null;
  const mean = (runs: readonly TimedRun[]) =>
    runs.reduce((sum, { seconds }) => sum + seconds, 0) / runs.length;
  const expected = (kind: string) => {
    const alike = done.filter((run) => run.kind === kind);
    return mean(alike.length > 0 ? alike : done);
  };
  const begun = underWay.map(({ kind, seconds }) => Math.max(0, expected(kind) - seconds));
  const ahead = [...begun, ...waiting.map(expected)].reduce((sum, seconds) => sum + seconds, 0);
  return Math.max(ahead / Math.min(parallel, Math.max(1, begun.length + waiting.length)), ...begun, 0);
}

/** One line for people: `12/140 runs, about 1h05m left; at work: er, seed 3 (task 2/6 facts, sft)`. */
export function stateLine(state: BenchState): string {
  const { done, underWay, waiting } = state;
  const total = done.length + underWay.length + waiting.length;
  const left = timeLeft(state);
  const time = left === null ? '' : `, about ${formatDuration(left)} left`;
  const work = underWay.map(({ title, label }) => (label === '' ? title : `${title} (${label})`));
  return `${done.length}/${total} runs${time}${work.length === 0 ? '' : `; at work: ${work.join(' · ')}`}`;
}
