/** Every finished run's result matrices as one JSON file: what a bench found, without its rows. */
import type { ResultMatrix } from '../../eval/matrix.ts';
import type { GeneralAbility, RunSummary, ScoreMatrix } from '../../train/results.ts';
import type { JobList } from '../jobs.ts';
import type { Place, PlannedRun } from '../plan.ts';
import type { JobRecord } from '../record.ts';

interface RunMatrices extends Place {
  readonly seed: number;
  readonly identity: string;
  readonly code: string;
  readonly seconds: number;
  readonly diverged: string | null;
  readonly tasks: readonly string[];
  readonly scores: Readonly<
    Record<string, Pick<ScoreMatrix, 'base' | 'last' | 'bwt' | 'ap'> & { matrix: ResultMatrix }>
  >;
  readonly general: GeneralAbility | null;
}

const scoreKeys = ['preference_accuracy', 'reward_accuracy', 'margin', 'judge'] as const;

/** A line for each planned run that is finished; runs of one identity stand at each of their places. */
export function matricesJson(
  runs: readonly PlannedRun[],
  jobs: JobList,
  recordOf: (identity: string) => JobRecord | undefined,
): string {
  const lines = runs.flatMap(({ place, seed }) => {
    const job = jobs.of(place, seed);
    const record = job && recordOf(job.identity);
    return record ? [JSON.stringify(runMatrices(place, seed, record))] : [];
  });
  return `[\n${lines.join(',\n')}\n]\n`;
}

function runMatrices(place: Place, seed: number, record: JobRecord): RunMatrices {
  const { identity, code, seconds, diverged, summary, results } = record;
  const scores = scoreKeys.flatMap((key) => (summary?.[key] ? [[key, summary[key]] as const] : []));
  return {
    ...place,
    seed,
    identity,
    code,
    seconds: Math.round(seconds * 10) / 10,
    diverged,
    tasks: results?.tasks ?? [],
    scores: Object.fromEntries(scores.map(([key, score]) => [key, score])),
    general: (summary as RunSummary | null)?.general ?? null,
  };
}
