/**
 * What a run leaves of each task, in `base/` before training and in `tasks/<k>-<name>/` after task k. Every file
 * is written anew as a whole. Texts of rows never are; answers are, but for private tasks.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { ReplayEntry } from '../data/replay-buffer.ts';
import type { NeutralScore } from '../eval/general-ability.ts';
import type { RowScore } from '../eval/preference.ts';
import type { MatrixReport } from '../memory/consolidate.ts';
import { writeAdapterFolder } from '../model/adapter-folder.ts';
import { makeFolder, writeFolderAtomic, writeJsonFile } from '../support/atomic-file.ts';
import { UserError } from '../support/errors.ts';
import { parseJsonFile } from '../support/json.ts';
import type { StageName } from './config/schema.ts';
import type { JudgedAnswer, SampleAnswer } from './measure.ts';
import type { GeneralMeasured } from './neutral.ts';
import type { Run } from './run.ts';

const judgedAnswers = z.array(z.object({ index: z.int(), score: z.number(), answer: z.string().optional() }));

/** Before training, or after a task, counted from 0. */
export type Moment = 'base' | number;

/** adapter/: as the finished task leaves it, after consolidation. */
export async function writeTaskAdapter(run: Run): Promise<void> {
  const { state, config, basePrecisions } = run;
  const folder = join(momentFolder(run, state.task), 'adapter');
  await makeFolder(dirname(folder));
  const fill = (temporary: string) =>
    writeAdapterFolder(temporary, state.adapter, { baseModel: config.base, basePrecisions });
  await writeFolderAtomic(folder, fill, { replace: true });
}

/** scores/<j>-<name>.json: task j's test rows, for intervals and paired tests. */
export async function writeScores(run: Run, tested: number, scores: readonly RowScore[]): Promise<void> {
  const rows = scores.map((row) => ({
    index: row.index,
    chosen_logp: row.chosenLogp,
    rejected_logp: row.rejectedLogp,
    base_chosen_logp: row.referenceChosenLogp,
    base_rejected_logp: row.referenceRejectedLogp,
    chosen_tokens: row.chosenTokens,
    rejected_tokens: row.rejectedTokens,
  }));
  await write(run, run.state.task, join('scores', numberedName(run, tested)), rows);
}

/** answers/<j>-<name>.json: what was answered to task j's test prompts, and the judge's score. */
export async function writeAnswers(
  run: Run,
  moment: Moment,
  tested: number,
  answers: readonly JudgedAnswer[],
): Promise<void> {
  const isPrivate = run.data.tasks[tested]!.private;
  const rows = isPrivate ? answers.map(({ index, score }) => ({ index, score })) : answers;
  await write(run, moment, join('answers', numberedName(run, tested)), rows);
}

/** The base's answers when the run began, and their scores; undefined where that was not written. */
export async function readBaseAnswers(
  run: Run,
  tested: number,
): Promise<readonly JudgedAnswer[] | undefined> {
  const file = recordFile(run, 'base', join('answers', numberedName(run, tested)));
  if (!existsSync(file)) return undefined;
  const { rows } = run.data.tasks[tested]!.test;
  const answers = judgedAnswers.safeParse(await parseJsonFile(file)).data;
  const isWhole =
    answers?.length === rows.length && answers.every(({ index }, at) => index === rows[at]!.index);
  if (isWhole)
    return answers.map(({ index, score, answer }) => ({ index, score, ...(answer ? { answer } : {}) }));
  throw new UserError(`${file}: not what this program wrote; remove the file to have it made again`);
}

/** samples/<j>-<name>.json: answers to a few test prompts of a task without a judge. */
export async function writeSamples(
  run: Run,
  moment: Moment,
  tested: number,
  samples: readonly SampleAnswer[],
): Promise<void> {
  await write(run, moment, join('samples', numberedName(run, tested)), samples);
}

/** Samples are made of the same state always: those that are there need not be made again. */
export function hasSamples(run: Run, moment: Moment, tested: number): boolean {
  return existsSync(recordFile(run, moment, join('samples', numberedName(run, tested))));
}

/** consolidation/<stage>.json: what consolidation did to each matrix, or each module's product, at the stage's end. */
export async function writeConsolidation(
  run: Run,
  stage: StageName,
  reports: ReadonlyMap<string, MatrixReport>,
): Promise<void> {
  const matrices = Array.from(reports, ([name, { shape, singularValues, keptRank, energy, ...report }]) => ({
    name,
    shape,
    singular_values: singularValues,
    kept_rank: keptRank,
    energy: {
      short_term: energy.shortTerm,
      denoised: energy.denoised,
      parallel: energy.parallel,
      refined: energy.refined,
    },
    history_rows: report.historyRows,
    history_rank: report.historyRank,
    ...(report.truncation ? { truncation: truncationRecord(report.truncation) } : {}),
  }));
  const record = { ...run.config.consolidation, matrices };
  await write(run, run.state.task, join('consolidation', stage), record);
}

/** Energies are sums of squares. */
function truncationRecord({ merged, lost, refined, refinedLost }: NonNullable<MatrixReport['truncation']>) {
  return { merged, lost, refined, refined_lost: refinedLost };
}

/** replay.json: the rows that the task was trained on, by origin, and the buffer as it leaves it. */
export async function writeReplay(
  run: Run,
  replayed: readonly ReplayEntry<unknown>[],
  kept: readonly ReplayEntry<unknown>[],
): Promise<void> {
  const { state, data } = run;
  const byTask = (entries: readonly ReplayEntry<unknown>[]) =>
    data.tasks.flatMap(({ name }) => {
      const rows = entries.filter(({ task }) => task === name).length;
      return rows === 0 ? [] : [{ task: name, rows }];
    });
  const own = data.tasks[state.task]!.train.rows.length;
  await write(run, state.task, 'replay', { own, replayed: byTask(replayed), kept: byTask(kept) });
}

/** general.json: the policy on neutral conversations; sums over tokens by row. */
export async function writeGeneral(run: Run, { scores, given, drawn }: GeneralMeasured): Promise<void> {
  const rows = (of: readonly NeutralScore[]) =>
    of.map(({ index, tokens, logp, baseLogp }) => ({ index, tokens, logp, base_logp: baseLogp }));
  const { loss, baseLoss, kl } = scores;
  const record = { loss, base_loss: baseLoss, kl, loss_rows: rows(given), kl_rows: rows(drawn) };
  await write(run, run.state.task, 'general', record);
}

async function write(run: Run, moment: Moment, name: string, value: unknown): Promise<void> {
  const file = recordFile(run, moment, name);
  await makeFolder(dirname(file));
  await writeJsonFile(file, value);
}

function recordFile(run: Run, moment: Moment, name: string): string {
  return join(momentFolder(run, moment), `${name}.json`);
}

function momentFolder(run: Run, moment: Moment): string {
  const { outputFolder } = run.environment;
  return moment === 'base'
    ? join(outputFolder, 'base')
    : join(outputFolder, 'tasks', numberedName(run, moment));
}

/** Folders and files count tasks from 1. */
function numberedName(run: Run, task: number): string {
  return `${task + 1}-${run.data.tasks[task]!.name}`;
}
