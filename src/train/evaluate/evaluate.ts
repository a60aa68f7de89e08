/**
 * Any adapter, or none, against any set of tasks: `<k>-<name>/predict_results.json` for each task, and
 * summary.json. Read on in task.ts.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { adapterHash } from '../../model/adapter.ts';
import { softTokenCount } from '../../model/prompt-pool.ts';
import { isLeftover, writeJsonFile } from '../../support/atomic-file.ts';
import { DataError, UserError } from '../../support/errors.ts';
import { lockFolder } from '../../support/folder-lock.ts';
import { loadNeutralRows, measureGeneral, type NeutralRows, type NeutralSettings } from '../neutral.ts';
import { FixedPolicy } from '../reference.ts';
import { textRoom } from '../task-rows.ts';
import type { EvaluationEnvironment } from './environment.ts';
import { type Evaluation, fingerprint, settingsOf } from './evaluation.ts';
import { type LoadedTask, loadTask } from './rows.ts';
import { evaluateTask } from './task.ts';
import { removeLeftovers, TaskFolder, type TaskResult } from './task-folder.ts';

export interface EvaluationSummary {
  readonly model: string;
  /** The engine's identity: weights, configuration, precision. */
  readonly model_hash: string;
  readonly tokenizer_hash: string;
  readonly template_hash: string;
  readonly adapter: string | null;
  readonly adapter_hash: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly tasks: readonly TaskResult[];
  /** On neutral conversations, in nats per token; `null` where that is not measured. */
  readonly general: EvaluatedGeneral | null;
}

interface EvaluatedGeneral extends NeutralSettings {
  readonly sha256: string;
  readonly loss: number;
  readonly base_loss: number;
  /** KL of the policy to the base. */
  readonly kl: number;
}

/**
 * Everything is read and checked before anything is written. What is finished, in the folder that goes on
 * (`environment.resume`), is taken as it is.
 *
 * @throws {UserError} for rows, or an output folder, that cannot be used; for a folder that holds another
 *   evaluation, naming the first difference; for log-probs that are not finite; as the LLM judge does.
 */
export async function evaluate(
  evaluation: Evaluation,
  environment: EvaluationEnvironment,
): Promise<EvaluationSummary> {
  const { outputFolder, versions = {}, signal, log = () => {} } = environment;
  const tasks = await loadTasks(evaluation, environment);
  const neutral = await loadNeutral(evaluation, environment);
  const folders = tasks.map(({ name }, at) => new TaskFolder(join(outputFolder, `${at + 1}-${name}`)));
  const hash = evaluation.adapter && adapterHash(evaluation.adapter);
  const records = tasks.map((task) => ({
    fingerprint: fingerprint(evaluation, environment, task, hash),
    versions,
  }));
  signal?.throwIfAborted();
  const lock = await lockFolder(outputFolder, log);
  try {
    await checkFolder(environment);
    for (const [at, folder] of folders.entries()) await folder.check(records[at]!, log);
    await removeLeftovers(outputFolder);
    const base = await FixedPolicy.open(null, environment);
    const results: TaskResult[] = [];
    for (const [at, task] of tasks.entries()) {
      const folder = folders[at]!;
      const label = `task ${at + 1}/${tasks.length} ${task.name}`;
      await folder.enter(records[at]!);
      const known = await folder.result(!task.private || evaluation.keepPrivate);
      if (known) log(`${label}: finished before`);
      results.push(known ?? (await evaluateTask(evaluation, environment, base, task, folder, label)));
    }
    const general = neutral && (await generalAbility(evaluation, environment, neutral, base));
    const summary = { ...summarise(evaluation, environment, hash, results), general };
    await writeJsonFile(join(outputFolder, 'summary.json'), summary);
    return summary;
  } finally {
    lock.release();
  }
}

/** Measured again by an evaluation that goes on: it takes no longer than a task's beginning. */
async function generalAbility(
  { adapter, general, generation }: Evaluation,
  { engine, text, progress, signal }: EvaluationEnvironment,
  neutral: NeutralRows,
  base: FixedPolicy,
): Promise<EvaluatedGeneral | null> {
  if (!adapter || !general) return null;
  const { scores } = await measureGeneral(neutral, adapter, base, {
    engine,
    endTokens: text.endTokens,
    maxNewTokens: general.max_new_tokens,
    seed: generation.seed,
    label: 'neutral conversations',
    progress,
    signal,
  });
  const { loss, baseLoss, kl } = scores;
  return { ...general, sha256: neutral.sha256, loss, base_loss: baseLoss, kl };
}

/** @throws {UserError} where the run was measured on other conversations. */
async function loadNeutral(
  { adapter, general, expectedNeutral, invalidRows }: Evaluation,
  { text, log = () => {} }: EvaluationEnvironment,
): Promise<NeutralRows | null> {
  if (!general) return null;
  const softTokens = softTokenCount(adapter);
  const neutral = await loadNeutralRows(general, { text, softTokens, invalidRows, log });
  if (expectedNeutral === undefined || neutral.sha256 === expectedNeutral) return neutral;
  throw new DataError({ file: general.rows }, 'not the neutral conversations the run was measured on');
}

async function loadTasks(
  { adapter, tasks, expectedRows, maxLength: longest, invalidRows }: Evaluation,
  { text, log = () => {} }: EvaluationEnvironment,
): Promise<LoadedTask[]> {
  const maxLength = textRoom(longest, text, softTokenCount(adapter));
  const loaded: LoadedTask[] = [];
  for (const [at, task] of tasks.entries()) {
    const one = await loadTask(task, text, { maxLength, invalidRows, log });
    const expected = expectedRows?.[at];
    if (expected !== undefined && one.test.sha256 !== expected) {
      const problem = `task ${task.name}: its rows are not those the run was tested with`;
      throw new DataError({ file: one.test.file }, problem);
    }
    loaded.push(one);
  }
  return loaded;
}

/** Nothing that is not an evaluation's may be written over. */
async function checkFolder({ outputFolder, resume = false, log }: EvaluationEnvironment): Promise<void> {
  const isOther = (name: string) => !name.startsWith('run.lock') && !isLeftover(name);
  const names = (await readdir(outputFolder)).filter(isOther);
  if (names.length === 0) {
    if (resume) log?.(`nothing to resume in ${outputFolder}: starting the evaluation`);
    return;
  }
  const isEvaluation = names.some((name) => existsSync(join(outputFolder, name, 'evaluation.json')));
  if (!isEvaluation) throw new UserError(`${outputFolder}: holds something else; choose another folder`);
  if (!resume) {
    const advice = 'continue it with --resume, or choose another folder';
    throw new UserError(`${outputFolder}: holds an evaluation already; ${advice}`);
  }
}

function summarise(
  evaluation: Evaluation,
  environment: EvaluationEnvironment,
  adapter: string | null,
  tasks: readonly TaskResult[],
): Omit<EvaluationSummary, 'general'> {
  const { engine, text, versions = {} } = environment;
  return {
    model: evaluation.model,
    model_hash: engine.identity,
    tokenizer_hash: text.identity.tokenizer,
    template_hash: text.identity.template,
    adapter: evaluation.adapterFolder,
    adapter_hash: adapter,
    versions,
    settings: settingsOf(evaluation, environment),
    tasks,
  };
}
