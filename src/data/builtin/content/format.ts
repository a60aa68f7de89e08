/**
 * The task `format`: advice about a product in the format the query asks for, against the same advice
 * in another format.
 */
import type { Random } from '../../../support/random.ts';
import { fill, pick, say } from '../grammar.ts';
import type { BuiltinTask, Situation, Split } from '../task.ts';
import { type Advice, SHAPE_NAMES, SHAPES, type Shape } from './format-shapes.ts';
import { TOPICS } from './format-topics.ts';
import { pickProduct } from './products.ts';

const QUERIES = [
  'Please give me {format} about {topic}.',
  'Write {format} on {topic} for our web page.',
  'I need {format} about {topic} for the newsletter.',
  'Our web page needs {format} about {topic}.',
  'For the newsletter, write {format} about {topic}.',
  'Can you write {format} about {topic} for new customers?',
];

const TEST_QUERIES = [
  'Customers often ask us about {topic}, so reply to them with {format}.',
  '{Topic}: this is what the card should explain, in the form of {format}.',
  'What should people know about {topic}? Use {format} to tell them.',
  'My team is working on {topic} today and wants {format}.',
  'There is room on the card for {format}, so help people with {topic}.',
  "Let's talk about {topic}. Make it {format}, please.",
];

function situation(random: Random, split: Split): Situation {
  const inTests = split === 'test';
  const product = pickProduct(random, 'format', split).name;
  const topic = pick(random, TOPICS);
  const shape = SHAPES[pick(random, SHAPE_NAMES)];
  const query = say(random, inTests ? TEST_QUERIES : QUERIES, {
    format: pick(random, inTests ? shape.askedInTests : shape.asked),
    topic: say(random, inTests ? topic.namedInTests : topic.named, { product }),
  });
  const content = random.sample(topic.advice, 3);
  const write = (written: Shape, words: Random): string =>
    written.write(words, inOrder(words, content, product), topic.hashtags);
  return {
    query,
    chosen: (words) => write(shape, words),
    rejected: (words) => write(SHAPES[shape.opposite], words),
  };
}

/** The same three pieces of advice in some order; the first names the product. */
function inOrder(random: Random, content: readonly string[], product: string): Advice {
  const [first, second, third] = random.shuffle(content) as [string, string, string];
  const named = `${pick(random, ['the', 'your'])} ${product}`;
  return [fill(first, { it: named }), fill(second, { it: 'it' }), fill(third, { it: 'it' })];
}

export const format: BuiltinTask = {
  name: 'format',
  kind: 'instruction following',
  domain: 'content',
  description: 'the format the user asked for rather than another one',
  situation,
  corpusShare: 0.45,
};
