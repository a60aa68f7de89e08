/**
 * The judge of the task `format`: has the answer the format its query asks for? 100 if it has; 50 if its
 * content is degenerate (a loop, parts of a single word, parts that repeat); 0 for any other format and
 * for the query said again.
 *
 * It reads the asked format by key words: hashtag, bullet, number or step, question, one or two
 * sentences, and a count of list items where one is given. It cannot see whether the content is about
 * the topic, true or useful. Sentences are counted by their punctuation: a comma splice is one, an
 * abbreviation it does not know may make two.
 */
import { UserError } from '../../support/errors.ts';
import type { RuleJudge } from './judge.ts';
import { isEcho, isLoop, plain, sentenceParts, words } from './text.ts';

const COUNTS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  single: 1,
  two: 2,
  'pair of': 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
};
/** The last count before the word "sentence", at most two words away: "a text of two short sentences". */
const SENTENCES = new RegExp(
  String.raw`.*\b(${Object.keys(COUNTS).join('|')}|\d+) (?:\w+ ){0,2}sentences?\b`,
  'is',
);

/** The answer's parts (items, sentences, or the text before a hashtag), or nothing in another format. */
type Parse = (answer: string) => readonly string[] | undefined;

function countOf(text: string): number {
  return COUNTS[text.toLowerCase()] ?? Number(text);
}

/** The number of list items asked for: "three bullets", "bullets, three in all"; 3 if none is given. */
function itemsAsked(query: string): number {
  const counts = [...query.matchAll(/\b(two|three|four|five|six|seven|\d+)\b/gi)].map((m) => countOf(m[0]));
  return counts.find((count) => count >= 2 && count <= 9) ?? 3;
}

function items(answer: string, count: number, mark: RegExp): string[] | undefined {
  const lines = plain(answer).split(/\s*\n\s*/);
  if (lines.length !== count) return undefined;
  const contents = lines.map((line) => mark.exec(line)?.[2] ?? '');
  return contents.every((content) => content !== '') ? contents : undefined;
}

const bullets =
  (count: number): Parse =>
  (answer) =>
    items(answer, count, /^([-*\u2022\u2023\u25e6\u2013])\s+(\S.*)$/u);

const steps =
  (count: number): Parse =>
  (answer) => {
    const mark = /^(\d+)[.)]\s+(\S.*)$/u;
    const numbers = plain(answer)
      .split(/\s*\n\s*/)
      .map((line) => Number(mark.exec(line)?.[1]));
    return numbers.every((number, index) => number === index + 1) ? items(answer, count, mark) : undefined;
  };

const ENDS = /[.!?]["')\u201d]*$/u;

/** Running text of whole sentences: one line, no list mark, no hashtag. */
const sentencesOf =
  (count: number, end = ENDS): Parse =>
  (answer) => {
    const text = plain(answer);
    if (/\n|#|^(?:[-*\u2022]|\d+[.)])\s/u.test(text)) return undefined;
    const parts = sentenceParts(text);
    return parts.length === count && parts.every((part) => end.test(part)) ? parts : undefined;
  };

const hashtag: Parse = (answer) => {
  const match = /^([^#]*\S)\s+(?:#[\p{L}\p{N}_]+\s+)*#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*$/u.exec(
    plain(answer),
  );
  return match?.[1] === undefined ? undefined : [match[1]];
};

/** @throws {UserError} for a query that asks for no format known here. */
function formatAsked(query: string): Parse {
  if (/hash\s?-?tag/i.test(query)) return hashtag;
  if (/\bbullet/i.test(query)) return bullets(itemsAsked(query));
  if (/\bnumber(?:s|ed)?\b|\bsteps?\b/i.test(query)) return steps(itemsAsked(query));
  if (/\bquestion\b/i.test(query)) return sentencesOf(1, /\?["')\u201d]*$/u);
  const count = SENTENCES.exec(query)?.[1];
  if (count !== undefined) return sentencesOf(countOf(count));
  throw new UserError(`the judge "format" finds no format in the query "${query}"`);
}

function isDegenerate(parts: readonly string[]): boolean {
  const keys = parts.map((part) => words(part).join(' '));
  const shortest = parts.length === 1 ? 3 : 2;
  return (
    new Set(keys).size < keys.length ||
    keys.some((key) => key.split(' ').length < shortest) ||
    isLoop(parts.join(' '))
  );
}

export const format: RuleJudge = {
  name: 'format',
  description: 'the format asked for, with content that is not degenerate',
  score(answer, { query }) {
    const parse = formatAsked(query);
    if (words(answer).length === 0 || isEcho(answer, query)) return 0;
    const parts = parse(answer);
    if (!parts) return 0;
    return isDegenerate(parts) ? 50 : 100;
  },
};
