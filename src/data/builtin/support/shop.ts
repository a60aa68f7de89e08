/**
 * What the support tasks share: the goods of the shop "Juniper & Finch" and how customers start a message.
 * Read by `facts.ts`, `empathy.ts` and `honesty.ts`, which make situations of them.
 */
import type { Random } from '../../../support/random.ts';
import { pick } from '../grammar.ts';
import type { Split } from '../task.ts';

interface Item {
  readonly item: string;
  /** What it is when damaged. */
  readonly fault: string;
  readonly wearable: boolean;
}

const home = (item: string): Item => ({ item, fault: 'broken', wearable: false });
const clothes = (item: string): Item => ({ item, fault: 'torn', wearable: true });

/**
 * Three groups. Each task tests on one of them and trains on the other two, so that an item a task has not
 * seen in training is still a word the others use.
 */
const groups: readonly (readonly Item[])[] = [
  [...['lamp', 'chair', 'vase', 'mug'].map(home), ...['coat', 'scarf', 'dress', 'belt'].map(clothes)],
  [...['mirror', 'kettle', 'table', 'bowl'].map(home), ...['jacket', 'hat', 'skirt', 'vest'].map(clothes)],
  [
    ...['clock', 'teapot', 'shelf', 'basket'].map(home),
    ...['sweater', 'shirt', 'blouse', 'cape'].map(clothes),
  ],
];

export const colours = ['blue', 'green', 'grey', 'red', 'white', 'black', 'brown', 'yellow'] as const;

/** The group of items a task keeps for its test. */
type TestGroup = 0 | 1 | 2;

/** An item of the split and two different colours. */
export function drawItem(
  random: Random,
  split: Split,
  testGroup: TestGroup,
  wearableOnly = false,
): Item & { readonly colour: string; readonly otherColour: string } {
  const inSplit = groups.filter((_, group) => (group === testGroup) === (split === 'test')).flat();
  const item = pick(
    random,
    inSplit.filter(({ wearable }) => wearable || !wearableOnly),
  );
  const [colour, otherColour] = random.sample(colours, 2) as [string, string];
  return { ...item, colour, otherColour };
}

/** Wordings of one thing, by split: no split has another's. */
export type BySplit = Readonly<Record<Split, readonly string[]>>;

/** Before a question of somebody who has not ordered yet. */
export const browsing: BySplit = {
  train: [
    'I have a question about the {colour} {item}.',
    'Hello, I like the {colour} {item} on your page.',
    'I am looking at a {colour} {item} in your shop.',
    'Please help me with the {colour} {item}.',
  ],
  validation: ['Good morning, I want to buy a {colour} {item}.', 'This is about your {colour} {item}.'],
  test: [
    'My sister and I want one {colour} {item} for our home.',
    'One {item}, {colour}, is on my list.',
    'I may want to buy this {item} in {colour}.',
  ],
};

/** Before a question of somebody who has. */
export const ordered: BySplit = {
  train: [
    'I ordered a {colour} {item} from you.',
    'Hello, I bought the {colour} {item} last week.',
    'I have just paid for a {colour} {item}.',
    'Please help me with my {colour} {item}.',
  ],
  validation: [
    'Good morning, I am the one who bought a {colour} {item}.',
    'This is about the {colour} {item} I chose.',
  ],
  test: [
    'My order with you is one {item} in {colour}.',
    'One {item}, {colour}, is what I got from your shop.',
    'We got one {item} in {colour} from you.',
  ],
};
