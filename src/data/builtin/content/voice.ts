/**
 * The task `voice`: product copy in a calm, plain house voice that speaks to the reader and ends on a
 * short quiet line, against the same facts as excited marketing.
 */
import type { Random } from '../../../support/random.ts';
import { fill, pick, say, sentences } from '../grammar.ts';
import type { BuiltinTask, Situation, Split } from '../task.ts';
import { type Product, pickProduct } from './products.ts';

const FACTS = [
  'lasts for many years',
  'is made by hand',
  'comes in four colors',
  'is easy to clean',
  'needs very little care',
  'is made near our shop',
  'keeps its shape',
  'comes in a plain box',
  'costs less than last year',
];
const FACTS_BY_USE: Readonly<Record<Product['use'], readonly string[]>> = {
  kitchen: ['fits on a small table', 'works well every morning'],
  clothes: ['fits most people', 'goes with other clothes'],
  home: ['suits a small room', 'works well in any room'],
  travel: ['is light to carry', 'works well on the road'],
};

const QUERIES = [
  'Write a short text about our {product}, which {one} and {two}.',
  'We sell a new {product} that {one} and {two}. Please write about it.',
  'I need a few lines for the web page: our {product} {one} and {two}.',
  'Please describe our {product} for the newsletter. It {one} and {two}.',
  'Can you write the product text for our {product}? It {one}, and it {two}.',
  'Our {product} {one}. It also {two}. Write two or three sentences for customers.',
];
const TEST_QUERIES = [
  'The shop window needs copy for this {product}: it {one}, and also {two}.',
  'How would you present the {product} to people if it {two} and {one}?',
  'Help me present the {product} on a card. Say that it {one}, then that it {two}.',
  'This {product} has come in today. It {two}; it {one}. What should the sign say?',
  'Some copy, please. Product: {product}. Details: {one}, {two}.',
  'My team wants a text where the {product} {two} while it {one}.',
];

const OPENINGS = [
  'This {adjective} {product} {one} and {two}{end}',
  'Our {adjective} {product} {one}, and it {two}{end}',
  'The {adjective} {product} {one}{end} It also {two}{end}',
  'This {adjective} {product} {one}{end} It {two}, too{end}',
  'Our {adjective} {product} {one} and also {two}{end}',
  'The {adjective} {product} that we sell {one} and {two}{end}',
];

const CALM = {
  adjectives: ['simple', 'plain', 'useful', 'modest', 'neat', 'strong', 'good'],
  middles: [
    'You can use it every day, at home or at work{end}',
    'You will find that it fits in with your other things{end}',
    'Use it as often as you like, at any time of the day{end}',
    'If you need one, you can look at it in our shop{end}',
    'It is there when you need it, this year and the next{end}',
    'You can put it to use on the day you take it home{end}',
    'You need not think about it much, and it works{end}',
    'Look at it in your own time, and see if you like it{end}',
  ],
  closings: [
    'Made to be used.',
    'It does its work.',
    'Nothing more is needed.',
    'Ready when you are.',
    'Take your time.',
    'Simple things last.',
    'Here when you need it.',
    'One is enough.',
  ],
};

const EXCITED = {
  adjectives: ['amazing', 'incredible', 'perfect', 'fantastic', 'stunning', 'ultimate'],
  middles: [
    'You will want to use it every day, at home or at work{end}',
    'You will see how fast it takes over from your other things{end}',
    'Use it once, and you will tell everyone at work about it{end}',
    'If you want one, you should run to our shop right now{end}',
    'If you buy only one thing this year, it should be this{end}',
  ],
  closings: [
    'Get yours right now{end}',
    'You must see it{end}',
    'Buy one today{end}',
    'Do not wait{end}',
    'Be the first{end}',
  ],
};

/** Excitement shows in words, in punctuation or in both. */
const EXCITED_BY = ['words', 'marks', 'both', 'both'] as const;

function calm(random: Random, facts: Readonly<Record<string, string>>): string {
  const values = { ...facts, adjective: pick(random, CALM.adjectives), end: '.' };
  return sentences(
    say(random, OPENINGS, values),
    fill(pick(random, CALM.middles), values),
    pick(random, CALM.closings),
  );
}

function excited(random: Random, facts: Readonly<Record<string, string>>): string {
  const by = pick(random, EXCITED_BY);
  const adjectives = by === 'marks' ? CALM.adjectives : EXCITED.adjectives;
  const values = { ...facts, adjective: pick(random, adjectives), end: by === 'words' ? '.' : '!' };
  return sentences(
    say(random, OPENINGS, values),
    say(random, EXCITED.middles, values),
    say(random, EXCITED.closings, values),
  );
}

function situation(random: Random, split: Split): Situation {
  const product = pickProduct(random, 'voice', split);
  const [one, two] = random.sample([...FACTS, ...FACTS_BY_USE[product.use]], 2) as [string, string];
  const facts = { product: product.name, one, two };
  return {
    query: say(random, split === 'test' ? TEST_QUERIES : QUERIES, facts),
    chosen: (words) => calm(words, facts),
    rejected: (words) => excited(words, facts),
  };
}

export const voice: BuiltinTask = {
  name: 'voice',
  kind: 'human preference',
  domain: 'content',
  description: 'calm, plain product copy rather than excited marketing',
  situation,
  corpusShare: 0.35,
};
