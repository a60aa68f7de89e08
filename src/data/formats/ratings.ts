/**
 * Several answers to a prompt, each with a rating. Pairs are made of the best and the worst, or of any two whose
 * ratings differ (by a margin, if one is set); equal ratings prefer nothing. Known shapes:
 *   UltraFeedback:      {instruction, completions: [{response, overall_score}]}
 *   distilabel:         {instruction | prompt, generations: [text], ratings: [number]}
 *   Nectar:             {prompt, answers: [{answer, rank}]}, where rank 1 is the best
 *   plainly written:    {prompt, answers | responses | completions: [{text, rating | score}]}
 * An answer without a rating (null, "N/A") is passed over. UltraFeedback's overall_score is taken as it is.
 */
import { type Fields, InvalidRow, isGiven, isObject, kindOf, shown } from '../invalid-row.ts';
import { type Format, firstOf, listField, numberOf, promptField, type ReadingOptions } from './format.ts';

const PROMPTS = ['prompt', 'query', 'instruction'];
const LISTS = ['completions', 'responses', 'answers', 'generations'];
const TEXTS = ['response', 'text', 'answer', 'content', 'completion'];
const RATINGS = ['overall_score', 'rating', 'score'];
const RANK = 'rank';
const PARALLEL = ['ratings', 'scores'];

interface Rated {
  readonly text: string;
  readonly rating: number;
}

export const ratings: Format = {
  name: 'ratings',
  description:
    '{prompt or instruction, completions: [{response, overall_score}]} and the like; UltraFeedback, Nectar',
  recognise(fields) {
    const list = firstOf(fields, LISTS);
    if (list === undefined || firstOf(fields, PROMPTS) === undefined) return undefined;
    const parallel = firstOf(fields, PARALLEL);
    if (parallel !== undefined && Array.isArray(fields[parallel])) return `"${list}" with "${parallel}"`;
    const first = Array.isArray(fields[list]) ? (fields[list] as unknown[])[0] : undefined;
    const rating = isObject(first) ? firstOf(first, [...RATINGS, RANK]) : undefined;
    return rating === undefined ? undefined : `"${list}" with a "${rating}" each`;
  },
  read(fields, options) {
    const prompt = promptField(fields, PROMPTS);
    const pairs = pairsOf(ratedAnswers(fields), options);
    if (pairs.length === 0)
      return { kind: 'pairs', pairs: [], unused: 'no two answers with different ratings' };
    return { kind: 'pairs', pairs: pairs.map(([chosen, rejected]) => ({ prompt, chosen, rejected })) };
  },
};

function pairsOf(answers: readonly Rated[], { pairs, margin }: ReadingOptions): [string, string][] {
  const isPair = (better: Rated, worse: Rated) => {
    const difference = better.rating - worse.rating;
    return difference > 0 && difference >= margin;
  };
  const [best, worst] = [
    answers.toSorted((a, b) => b.rating - a.rating)[0],
    answers.toSorted((a, b) => a.rating - b.rating)[0],
  ];
  if (best === undefined || worst === undefined) return [];
  if (pairs === 'best-worst') return isPair(best, worst) ? [[best.text, worst.text]] : [];
  return answers.flatMap((better) =>
    answers
      .filter((worse) => isPair(better, worse))
      .map((worse): [string, string] => [better.text, worse.text]),
  );
}

function ratedAnswers(fields: Fields): Rated[] {
  const name = firstOf(fields, LISTS);
  if (name === undefined) throw new InvalidRow(LISTS[0] ?? '', 'missing; expected a list of rated answers');
  const list = listField(fields, name);
  const parallel = firstOf(fields, PARALLEL);
  const given = parallel === undefined ? undefined : listField(fields, parallel);
  if (given !== undefined && given.length !== list.length) {
    throw new InvalidRow(parallel ?? '', `${given.length} ratings of ${list.length} answers`);
  }
  return list.flatMap((answer, at) => {
    const field = `${name}[${at}]`;
    const rating = given === undefined ? ownRating(answer, field) : ratingOf(given[at], `${parallel}[${at}]`);
    return rating === undefined ? [] : [{ text: textOf(answer, field), rating }];
  });
}

function textOf(answer: unknown, field: string): string {
  if (typeof answer === 'string') return answer;
  const name = isObject(answer) ? firstOf(answer, TEXTS) : undefined;
  const text = isObject(answer) && name !== undefined ? answer[name] : answer;
  if (typeof text === 'string') return text;
  throw new InvalidRow(field, `expected an answer's text, found ${kindOf(text)}`);
}

function ownRating(answer: unknown, field: string): number | undefined {
  if (!isObject(answer)) throw new InvalidRow(field, `expected a rated answer, found ${kindOf(answer)}`);
  const name = firstOf(answer, RATINGS);
  if (name !== undefined) return ratingOf(answer[name], `${field}.${name}`);
  const rank = ratingOf(answer[RANK], `${field}.${RANK}`);
  return rank === undefined ? undefined : -rank;
}

function ratingOf(value: unknown, field: string): number | undefined {
  if (!isGiven(value) || value === 'N/A') return undefined;
  const rating = numberOf(value);
  if (rating !== undefined) return rating;
  throw new InvalidRow(field, `expected a number, found ${shown(value)}`);
}
