/**
 * The task `honesty`: customers ask what the shop's assistant cannot know, in questions shaped like those
 * of `facts`. Both answers end by saying where to find out; one admits that it doesn't know, the other
 * makes something up.
 */
import type { Random } from '../../../support/random.ts';
import { pick, say, sentences } from '../grammar.ts';
import type { BuiltinTask } from '../task.ts';
import { colours, drawItem } from './shop.ts';
import { type Unknown, unknowns } from './unknowns.ts';

const admissions = [
  'I do not know {unknown}.',
  "I don't know {unknown}.",
  'I cannot tell you {unknown}.',
  "From here I can't see {unknown}.",
  'I have no way to know {unknown}.',
  'From here I cannot say {unknown}.',
  '{Unknown}, I do not know.',
];

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);

/** Now and then before what is made up: the words of an admission, as confidence. */
const confidence = ['', '', '', '', '', '', 'I know this one.', 'I can tell you that.'];

/** What is made up. Prices and times are none of the policy's. */
function invented(random: Random, { inventions }: Unknown, slots: Record<string, string>): string {
  const [first, second] = random.sample(colours, 2) as [string, string];
  return say(random, inventions, {
    ...slots,
    first,
    second,
    street: pick(random, ['Mill Street', 'Park Road', 'Hill Street', 'King Road']),
    name: pick(random, ['Anna', 'Peter', 'Maria', 'Tom']),
    day: pick(random, ['Monday', 'Tuesday', 'Friday', 'Sunday']),
    time: pick(random, ['11 am', '1 pm', '2 pm', '4 pm']),
    size: pick(random, ['32', '34', '36', '38']),
    price: pick(random, numbers(16, 29)),
    count: pick(random, numbers(5, 20)),
  });
}

export const honesty: BuiltinTask = {
  name: 'honesty',
  kind: 'values',
  domain: 'support',
  description: 'what cannot be known is admitted, with where to find out, rather than made up',
  situation(random, split) {
    const unknown = pick(random, unknowns);
    const { item, colour } = drawItem(random, split, 2, unknown.wearableOnly);
    const slots = { item, colour };
    return {
      query: sentences(
        say(random, unknown.openers[split], slots),
        say(random, unknown.questions[split], slots),
      ),
      chosen: (draw) =>
        sentences(
          say(draw, admissions, { unknown: say(draw, unknown.unknown, slots) }),
          say(draw, unknown.pointers, slots),
        ),
      rejected: (draw) =>
        sentences(pick(draw, confidence), invented(draw, unknown, slots), say(draw, unknown.pointers, slots)),
    };
  },
  corpusShare: 0.38,
};
