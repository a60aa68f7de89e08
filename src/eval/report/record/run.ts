/** A run's folder, read as a whole: the first step of a report. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type RunResults, readRunResults } from '../../comparison/index.ts';
import { readRunYaml } from '../../run-file.ts';
import { type MomentAnswers, readAnswers } from './answers.ts';
import {
  type ConfigFile,
  type ConsolidationFile,
  configFile,
  consolidationFile,
  matrixFile,
  type ReplayFile,
  replayFile,
  type StageName,
  type Step,
  type SummaryFile,
  summaryFile,
} from './files.ts';
import { numberedName, readIfThere } from './folder.ts';
import { readSteps } from './steps.ts';

/** What was recorded after one task; `null` for what was not, or not yet. */
export interface TaskRecord {
  readonly consolidation: Readonly<Record<StageName, ConsolidationFile | null>>;
  readonly replay: ReplayFile | null;
}

export interface RunRecord {
  /** As it was named; runs that differ in their seed share it. */
  readonly name: string;
  /** As the report calls it. */
  readonly label: string;
  readonly folder: string;
  readonly config: ConfigFile;
  /** The resolved configuration as YAML. */
  readonly configText: string;
  /** Test rows' scores, after each task. */
  readonly results: RunResults;
  /** What matrix.json has of the base, per task. */
  readonly base: Readonly<Record<'preference_accuracy' | 'judge', readonly (number | null)[]>>;
  /** `null` for a run that is not finished. */
  readonly summary: SummaryFile | null;
  /** Empty where there is no log. */
  readonly steps: readonly Step[];
  /** In the stream's order. */
  readonly tasks: readonly TaskRecord[];
  /** Answers to each task's test prompts. */
  readonly answers: readonly MomentAnswers[];
}

/**
 * Every file but `config.yaml` may be missing.
 * @throws {DataError} naming a file that is there but broken, or not what a run writes.
 */
export async function readRunRecord(label: string, folder: string): Promise<RunRecord> {
  const results = await readRunResults(folder);
  const config = await readRunYaml(configFile, join(folder, 'config.yaml'));
  const { provenance: _, ...settings } = config;
  const matrix = await readIfThere(matrixFile, join(folder, 'matrix.json'));
  const baseOf = (score: 'preference_accuracy' | 'judge') =>
    config.tasks.map((_, task) => matrix?.[score]?.base?.[task] ?? null);
  const inOrder = <T>(read: (task: number) => Promise<T>) =>
    Promise.all(config.tasks.map((_, task) => read(task)));
  return {
    name: label,
    label,
    folder,
    config,
    configText: stringify(settings),
    results,
    base: { preference_accuracy: baseOf('preference_accuracy'), judge: baseOf('judge') },
    summary: await readIfThere(summaryFile, join(folder, 'summary.json')),
    steps: await readSteps(join(folder, 'steps.jsonl')),
    tasks: await inOrder((task) => readTask(join(folder, 'tasks', numberedName(config, task)))),
    answers: await inOrder((task) => readAnswers(folder, config, task)),
  };
}

async function readTask(folder: string): Promise<TaskRecord> {
  const consolidation = (stage: StageName) =>
    readIfThere(consolidationFile, join(folder, 'consolidation', `${stage}.json`));
  return {
    consolidation: { sft: await consolidation('sft'), preference: await consolidation('preference') },
    replay: await readIfThere(replayFile, join(folder, 'replay.json')),
  };
}
