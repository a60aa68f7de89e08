/** An evaluation's scores as text, for people: a line per task. No text of a row is in it. */
import type { EvaluationSummary } from '../train/evaluate/evaluate.ts';
import type { TaskResult } from '../train/evaluate/task-folder.ts';

type Scores = TaskResult['scores'];

const COLUMNS: readonly (readonly [heading: string, score: keyof Scores])[] = [
  ['preferred', 'preference_accuracy'],
  ['rewarded', 'reward_accuracy'],
  ['margin', 'margin'],
  ['BLEU-4', 'bleu-4'],
  ['ROUGE-1', 'rouge-1'],
  ['ROUGE-2', 'rouge-2'],
  ['ROUGE-L', 'rouge-l'],
  ['judge', 'judge'],
  ['LLM judge', 'llm_judge'],
];

/** Scores in percent, the margin in nats; columns that no task has a score for are left out. */
export function evaluationTable({ tasks, general }: EvaluationSummary): string {
  const columns = COLUMNS.filter(([, score]) => tasks.some(({ scores }) => scores[score] !== null));
  const width = Math.max(4, ...tasks.map(({ name }) => name.length)) + 1;
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(width) + cells.map((cell) => cell.padStart(11)).join('');
  const lines = tasks.map(({ name, rows, scores }) =>
    line(name, [String(rows), ...columns.map(([, score]) => cell(scores[score], score))]),
  );
  const heading = line('task', ['rows', ...columns.map(([name]) => name)]);
  return [heading, ...lines, ...generalLines(general), ...tasks.flatMap(remarks)].join('\n');
}

function cell(value: number | null, score: keyof Scores): string {
  return value === null ? '-' : value.toFixed(score === 'margin' ? 3 : 1);
}

function generalLines(general: EvaluationSummary['general']): string[] {
  if (!general) return [];
  const { kl, loss, base_loss: baseLoss } = general;
  const change = `loss ${loss.toFixed(3)} (base ${baseLoss.toFixed(3)})`;
  return [`neutral conversations, nats per token: KL to the base ${kl.toFixed(4)}, ${change}`];
}

/** What a mean does not say about itself. */
function remarks({ name, rows, answers, llm_judge }: TaskResult): string[] {
  const found: string[] = [];
  if (answers.cut_off > 0) found.push(`${answers.cut_off} of ${rows} answers cut off at the limit`);
  if (answers.empty > 0) found.push(`${answers.empty} empty`);
  if (answers.with_unknown_tokens > 0) {
    found.push(`${answers.with_unknown_tokens} with tokens that have no text`);
  }
  if (llm_judge && llm_judge.scored < rows) {
    const { scored, refusals, failures } = llm_judge;
    found.push(`LLM judge: mean of ${scored}; ${refusals} refused, ${failures} failed`);
  }
  return found.length === 0 ? [] : [`${name}: ${found.join(', ')}`];
}
