/** Answers to a task's prompts, kept as they come, so that a stop loses little. */
import { UserError } from '../../support/errors.ts';
import { silentProgress } from '../../support/progress.ts';
import type { EvaluationEnvironment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import type { LoadedTask } from './rows.ts';
import type { KeptAnswer, TaskFolder } from './task-folder.ts';

/**
 * Batches that are answered between two times of keeping. Fixed cuts of a fixed list: an answer has the same
 * company in a run that goes on. Two, because a cut's last answers are made in a batch that is not full.
 */
const BATCHES = 2;

/** `folder: null` for answers that are not to be kept. */
export async function answerTask(
  { adapter, generation }: Evaluation,
  { generate, progress = silentProgress, signal }: EvaluationEnvironment,
  { test: { rows, encoded } }: LoadedTask,
  folder: TaskFolder | null,
  label: string,
): Promise<readonly KeptAnswer[]> {
  const answers = (await folder?.answers()) ?? [];
  const size = BATCHES * generation.batchSize;
  const isCut = answers.length % size === 0 || answers.length === rows.length;
  if (!isCut || answers.some(({ index }, at) => index !== rows[at]?.index)) {
    throw new UserError(`${folder?.path}: answers.jsonl is not what this program wrote; remove it`);
  }
  if (answers.length === rows.length) return answers;
  const { maxNewTokens } = generation;
  const bar = progress({
    label: `${label}, answers of at most ${maxNewTokens} tokens`,
    total: rows.length * maxNewTokens,
    unit: 'tokens',
    initial: answers.reduce((sum, { tokens }) => sum + tokens, 0),
  });
  try {
    while (answers.length < rows.length) {
      const indices = rows.slice(answers.length, answers.length + size).map(({ index }) => index);
      const prompts = encoded.slice(answers.length, answers.length + size).map(({ prompt }) => prompt);
      const made = await generate(prompts, adapter, {
        ...generation,
        // By its row: what an answer draws does not change with the rows around it.
        keys: indices.map((index) => `row ${index}`),
        onProgress: (tokens) => bar.advance(tokens),
        ...(signal ? { signal } : {}),
      });
      for (const [at, { text, tokens, finishReason, unknownTokens }] of made.entries()) {
        const ended = { finish_reason: finishReason, unknown_tokens: unknownTokens };
        answers.push({ index: indices[at]!, text, tokens, ...ended });
      }
      await folder?.keepAnswers(answers);
    }
  } finally {
    bar.stop();
  }
  return answers;
}
