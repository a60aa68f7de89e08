/** The formats of the `format` task: how queries ask for each, and how three pieces of advice take it. */
import type { Random } from '../../../support/random.ts';
import { capitalise, pick } from '../grammar.ts';

/** Three pieces of advice, without capitals and full stops. */
export type Advice = readonly [string, string, string];

export type ShapeName = 'bullets' | 'steps' | 'one sentence' | 'two sentences' | 'question' | 'hashtag';

export interface Shape {
  readonly asked: readonly string[];
  readonly askedInTests: readonly string[];
  /**
   * The shape of rejected answers. Shapes stand in pairs: over all queries either answer of a row then
   * has the same lengths and wordings, and only the query tells which is preferred.
   */
  readonly opposite: ShapeName;
  write(random: Random, advice: Advice, hashtags: readonly string[]): string;
}

const LINE_ENDS = ['', '.'];
const OPENINGS = ['', 'First, ', 'To start, ', 'Please ', 'Just '];
const JOINTS = [', and ', ', then ', ', and then ', ', and also '];
const CONTINUATIONS = ['Then ', 'After that, ', 'Next, ', 'Also, ', ''];
const QUESTION_OPENINGS = ['Why not ', 'Could you ', 'What if you ', 'Can you ', 'Would you '];

function lines(random: Random, advice: Advice, mark: (index: number) => string): string {
  const end = pick(random, LINE_ENDS);
  return advice.map((text, index) => `${mark(index)} ${capitalise(text)}${end}`).join('\n');
}

function inARow(random: Random, [first, second, third]: Advice): string {
  return `${first}, ${second}${pick(random, JOINTS)}${third}`;
}

function oneSentence(random: Random, advice: Advice): string {
  return `${capitalise(pick(random, OPENINGS) + inARow(random, advice))}.`;
}

export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  bullets: {
    asked: [
      'three bullet points',
      'a list of three bullets',
      'exactly three short bullet points',
      'a bullet list with three points',
    ],
    askedInTests: ['three points, each after a bullet', 'bullets, three in all', 'three lines with bullets'],
    opposite: 'two sentences',
    write: (random, advice) => lines(random, advice, () => '-'),
  },
  steps: {
    asked: [
      'three numbered steps',
      'a numbered list of three steps',
      'exactly three short numbered steps',
      'steps numbered one to three',
    ],
    askedInTests: [
      'three steps, each after a number',
      'steps with numbers, three in all',
      'three numbered lines',
    ],
    opposite: 'one sentence',
    write: (random, advice) => lines(random, advice, (index) => `${index + 1}.`),
  },
  'one sentence': {
    asked: ['exactly one sentence', 'a single sentence', 'just one sentence', 'only one short sentence'],
    askedInTests: ['one sentence and no more', 'one full sentence', 'no more than a single sentence'],
    opposite: 'steps',
    write: oneSentence,
  },
  'two sentences': {
    asked: [
      'exactly two sentences',
      'just two sentences',
      'only two short sentences',
      'a text of two sentences',
    ],
    askedInTests: ['two sentences and no more', 'two full sentences', 'a pair of sentences'],
    opposite: 'bullets',
    write(random, [first, second, third]) {
      const opening = capitalise(`${pick(random, OPENINGS)}${first} and ${second}.`);
      return `${opening} ${capitalise(`${pick(random, CONTINUATIONS)}${third}`)}.`;
    },
  },
  question: {
    asked: ['a single question', 'exactly one question', 'just one short question', 'only one question'],
    askedInTests: ['one question and no more', 'one clear question', 'no more than a single question'],
    opposite: 'hashtag',
    write: (random, advice) => `${pick(random, QUESTION_OPENINGS)}${inARow(random, advice)}?`,
  },
  hashtag: {
    asked: [
      'a short text that ends with a hashtag',
      'a few words with a hashtag at the end',
      'a text with a hashtag as its last word',
      'a line that ends in a hashtag',
    ],
    askedInTests: [
      'a text and then a last hashtag',
      'some words and then a closing hashtag',
      'a text whose end is a hashtag',
    ],
    opposite: 'question',
    write: (random, advice, hashtags) => `${oneSentence(random, advice)} ${pick(random, hashtags)}`,
  },
};

export const SHAPE_NAMES = Object.keys(SHAPES) as readonly ShapeName[];
