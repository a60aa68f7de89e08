/**
 * One task's folder: what is being evaluated (`evaluation.json`), the answers so far (`answers.jsonl`), and in
 * the end `predict_results.json` and `scores.json`, whose presence says that the task is finished.
 */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { isLeftover, writeFileAtomic, writeFolderAtomic } from '../../support/atomic-file.ts';
import { DataError } from '../../support/errors.ts';
import { parseJson, parseJsonFile, readTextFile } from '../../support/json.ts';
import { firstDifference } from '../fingerprint.ts';

const score = z.number().nullable();
const count = z.int().min(0);

const answer = z.strictObject({
  /** The row's position in its data file, from 0. */
  index: count,
  text: z.string(),
  tokens: count,
  finish_reason: z.enum(['stop', 'length']),
  unknown_tokens: count,
});

const result = z.strictObject({
  name: z.string(),
  data: z.string(),
  sha256: z.string(),
  private: z.boolean(),
  rows: count,
  cut_prompts: count,
  skipped_rows: count,
  /** Percent, the margin in nats; null where a score means nothing or nobody gave one. */
  scores: z.strictObject({
    preference_accuracy: score,
    reward_accuracy: score,
    margin: score,
    'bleu-4': score,
    'rouge-1': score,
    'rouge-2': score,
    'rouge-l': score,
    judge: score,
    llm_judge: score,
  }),
  judge: z.string().nullable(),
  llm_judge: z
    .strictObject({ rubric: z.string(), model: z.string(), scored: count, refusals: count, failures: count })
    .nullable(),
  /** Tokens in all, and answers: ended by the limit, without any text, with tokens that have no text. */
  answers: z.strictObject({ tokens: count, cut_off: count, empty: count, with_unknown_tokens: count }),
});

export type KeptAnswer = z.output<typeof answer>;
export type TaskResult = z.output<typeof result>;

const evaluation = z.strictObject({
  fingerprint: z.record(z.string(), z.unknown()),
  versions: z.record(z.string(), z.string()),
});
export type RecordedEvaluation = z.output<typeof evaluation>;

type FileName = 'evaluation.json' | 'answers.jsonl' | 'predict_results.json' | 'scores.json';

export class TaskFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  #file(name: FileName): string {
    return join(this.path, name);
  }

  /** @throws {DataError} naming the first difference, if another evaluation is in the folder. */
  async check(now: RecordedEvaluation, log: (line: string) => void): Promise<void> {
    const file = this.#file('evaluation.json');
    if (!existsSync(file)) return;
    const before = await written(file, evaluation);
    const difference = firstDifference(before.fingerprint, now.fingerprint);
    if (difference) {
      const { key: field, before: old, now: found } = difference;
      const problem = `was ${JSON.stringify(old)}, is now ${JSON.stringify(found)}`;
      throw new DataError({ file, field }, `the evaluation to resume differs: ${problem}`);
    }
    const version = firstDifference(before.versions, now.versions);
    if (version) {
      const change = `${version.key} ${version.before} and goes on with ${version.now}`;
      log(`warning: ${this.path} began with ${change}; its numbers may differ from an uninterrupted one`);
    }
  }

  /** Makes the folder, or clears what a killed writer left in it. */
  async enter(now: RecordedEvaluation): Promise<void> {
    if (existsSync(this.#file('evaluation.json'))) return removeLeftovers(this.path);
    // As a whole: a folder without this file would be taken for something else.
    await writeFolderAtomic(this.path, (temporary) =>
      writeFileAtomic(join(temporary, 'evaluation.json'), json(now)),
    );
  }

  /** Undefined for a task that is not finished: without scores or, where they are kept, predictions. */
  async result(keepsPredictions: boolean): Promise<TaskResult | undefined> {
    const file = this.#file('scores.json');
    if (!existsSync(file)) return undefined;
    if (keepsPredictions && !existsSync(this.#file('predict_results.json'))) return undefined;
    await rm(this.#file('answers.jsonl'), { force: true });
    return written(file, result);
  }

  async answers(): Promise<KeptAnswer[]> {
    const file = this.#file('answers.jsonl');
    if (!existsSync(file)) return [];
    const lines = (await readTextFile(file)).trimEnd().split('\n');
    return lines.map((line, at) => valid(parseJson(line, file, at + 1), file, answer));
  }

  /** All answers so far. Rewritten as a whole, so that a kill leaves no half line. */
  async keepAnswers(answers: readonly KeptAnswer[]): Promise<void> {
    await this.#write('answers.jsonl', answers.map((kept) => `${JSON.stringify(kept)}\n`).join(''));
  }

  /** `predictions: null` for a task whose texts are not to be kept. */
  async finish(scores: TaskResult, predictions: readonly object[] | null): Promise<void> {
    if (predictions) await this.#write('predict_results.json', json(predictions));
    await this.#write('scores.json', json(scores));
    await rm(this.#file('answers.jsonl'), { force: true });
  }

  async #write(name: FileName, content: string): Promise<void> {
    await writeFileAtomic(this.#file(name), content);
  }
}

/** What a killed writer left beside the files it was about to replace. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (isLeftover(name)) await rm(join(folder, name), { recursive: true });
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function written<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  return valid(await parseJsonFile(file), file, schema);
}

function valid<T>(value: unknown, file: string, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DataError({ file }, 'not what this program wrote; remove its folder to have the task done again');
}
