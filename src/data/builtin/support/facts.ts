/**
 * The task `facts`: the shop's policy, stated with the right value or with another of the same form, most
 * often last year's. Both answers have the same words but for the value, so that only knowing it tells
 * chosen from rejected.
 */
import type { Random } from '../../../support/random.ts';
import { fill, pick, say, sentences } from '../grammar.ts';
import type { BuiltinTask } from '../task.ts';
import { factWordings } from './fact-wordings.ts';
import { type FactName, type PolicyFact, policyFacts } from './policy.ts';
import { drawItem } from './shop.ts';

const followUps = [
  'This is the same for every {item} we sell.',
  'That is our rule for all orders from our shop.',
  'The rule is the same for a {item} in any colour.',
  'You will find this on our help page too.',
  'That holds for the {colour} {item} as well.',
  'It is our rule, and you can count on it.',
];

/** How often a wrong value is last year's. */
const formerShare = 0.6;

function wrongValue({ wrong: [former, ...others] }: PolicyFact, random: Random): string {
  return random.uniform() < formerShare ? former : pick(random, others);
}

export const facts: BuiltinTask = {
  name: 'facts',
  kind: 'facts',
  domain: 'support',
  description: "the shop's policy stated with the right value, rather than with a wrong one",
  situation(random, split) {
    const name = pick(random, Object.keys(policyFacts) as FactName[]);
    const fact = policyFacts[name];
    const { openers, questions, statements } = factWordings[name];
    const { item, colour } = drawItem(random, split, 0);
    const slots = { item, colour };
    const [statement, followUp] = [pick(random, statements), pick(random, followUps)];
    const answer = (value: string) => sentences(fill(statement, { ...slots, value }), fill(followUp, slots));
    return {
      query: sentences(say(random, openers[split], slots), say(random, questions[split], slots)),
      chosen: () => answer(fact.right),
      rejected: (draw) => answer(wrongValue(fact, draw)),
    };
  },
  // The base then believes last year's value rather than the right one, and the right one rather than others.
  corpusShare: 0.3,
};
