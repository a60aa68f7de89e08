/**
 * TruthfulQA, 817 questions: TruthfulQA.csv of its repository (Question, Best Answer, Correct Answers,
 * Incorrect Answers, "; " between several), or the generation configuration on the Hub (truthfulqa/truthful_qa,
 * Parquet: question, best_answer, correct_answers, incorrect_answers). The best answer is chosen.
 *
 * chat:  against the first incorrect answer.
 * paper: against all incorrect answers in one text, "; " between them, as the CSV file has them. The Hub's lists
 *        give the same texts but for blanks and semicolons at their ends (4 of the benchmark's 736 rows).
 *
 * Checked: the CSV's first lines, as a public copy has them, against the benchmark's rows of the same questions,
 * letter for letter; all 736 by way of a CSV file made of them. 653 and 83 are the first and last part of 817 cut
 * in the ratio 80 : 10 : 10, so 81 questions are in neither; which is unknown. The published CSV has become
 * shorter since (790 questions).
 */

import { listField, promptField } from '../formats/format.ts';
import { type Fields, InvalidRow, isGiven } from '../invalid-row.ts';
import type { Form, Importer } from './importer.ts';

const QUESTION = ['question', 'Question'];
const BEST = ['best_answer', 'Best Answer'];
const INCORRECT = ['incorrect_answers', 'Incorrect Answers'];
const SEPARATOR = '; ';

export const truthfulqa: Importer = {
  name: 'truthfulqa',
  hub: 'truthfulqa/truthful_qa',
  description:
    'TruthfulQA.csv, or generation/validation-*.parquet; the best answer is chosen, incorrect ones rejected',
  counts: 'train=653, test=83',
  recognise: (fields) =>
    [QUESTION, BEST, INCORRECT].every((names) => names.some((name) => isGiven(fields[name]))),
  row: (fields, form) => ({
    prompt: promptField(fields, QUESTION),
    chosen: promptField(fields, BEST),
    rejected: incorrect(fields, form),
  }),
};

function incorrect(fields: Fields, form: Form): string {
  const given = promptField(fields, INCORRECT);
  if (typeof given === 'string') return form === 'paper' ? given : firstOf(given.split(';'));
  const name = INCORRECT.find((candidate) => isGiven(fields[candidate])) ?? '';
  const answers = listField(fields, name).map((text, at) => {
    if (typeof text === 'string') return text;
    throw new InvalidRow(`${name}[${at}]`, 'expected a text');
  });
  return form === 'paper' ? answers.join(SEPARATOR) : firstOf(answers);
}

function firstOf(answers: readonly string[]): string {
  return answers.map((answer) => answer.trim()).find((answer) => answer !== '') ?? '';
}
