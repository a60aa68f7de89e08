/** Every finished run's result matrices as one JSON file: what a bench found, without its rows. */
import type { JobList } from '../jobs.ts';
import type { Place, PlannedRun } from '../plan.ts';
import type { JobRecord } from '../record.ts';
import { scoreMatrix, tableScores } from '../results/run.ts';

/** A line for each planned run that is finished; a run that stands at several places has a line for each. */
export function matricesJson(
  runs: readonly PlannedRun[],
  jobs: JobList,
  recordOf: (identity: string) => JobRecord | undefined,
): string {
  const lines = runs.flatMap(({ place, seed }) => {
    const record = recordOf(jobs.of(place, seed)?.identity ?? '');
    return record ? [JSON.stringify(runMatrices(place, seed, record))] : [];
  });
  return `[\n${lines.join(',\n')}\n]\n`;
}

function runMatrices(place: Place, seed: number, { identity, code, seconds, diverged, run }: JobRecord) {
  const measured = tableScores.flatMap((score) => {
    const matrix = run && scoreMatrix(run, score);
    return matrix ? [[score, matrix] as const] : [];
  });
  return {
    ...place,
    seed,
    identity,
    code,
    seconds: Math.round(seconds * 10) / 10,
    diverged,
    tasks: run?.tasks ?? [],
    ...Object.fromEntries(measured),
    margin: run && { matrix: run.margin },
  };
}
