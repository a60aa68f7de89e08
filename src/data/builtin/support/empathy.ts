/**
 * The task `empathy`: a customer is upset. Both answers name what happened and the next step, in the same
 * words; one opens with an apology and the customer's feelings, the other with procedure.
 */
import type { Random } from '../../../support/random.ts';
import { capitalise, pick, say, sentences } from '../grammar.ts';
import type { BuiltinTask } from '../task.ts';
import { complaints } from './complaints.ts';
import { type BySplit, drawItem } from './shop.ts';

const frames: BySplit = {
  train: [
    'I am really upset: {complaint}.',
    '{Complaint}, and I am very angry.',
    'This makes me so sad. {Complaint}.',
    '{Complaint}. I am tired of this.',
    'I am annoyed because {complaint}.',
  ],
  validation: ['I am so unhappy with you: {complaint}.', '{Complaint}. That is very bad service.'],
  test: [
    'What a sad day for me: {complaint}!',
    '{Complaint}! I am so unhappy with it.',
    'How can it be? {Complaint}!',
    'It is frustrating and it makes us angry: {complaint}.',
  ],
};

/** Two halves around the event; each list of one tone matches that of the other in number and length. */
interface Tone {
  /** Before the event: a clause that takes it as its object. */
  readonly before: readonly string[];
  /** A clause beside it. */
  readonly beside: readonly string[];
}

const warm: Tone = {
  before: [
    'I am so sorry that {event}',
    'we are truly sorry that {event}',
    'I feel very sorry that {event}',
    'I apologise to you that {event}',
    'it is our own mistake that {event}',
    'please accept my apology that {event}',
  ],
  beside: [
    'I understand how frustrating that is',
    'that must be very upsetting for you',
    'I can see why you are angry',
    'you have every right to be upset',
    'I know how annoying this must feel',
    'I would be unhappy about it too',
  ],
};

const cold: Tone = {
  before: [
    'I can see here that {event}',
    'our page now shows that {event}',
    'I have a note that {event}',
    'your message tells us that {event}',
    'it is in our system that {event}',
    'the order number says that {event}',
  ],
  beside: [
    'your case is now on our list',
    'the team has your message and number',
    'I have your order open here now',
    'this goes to our service team first',
    'the rule for such cases is clear',
    'we keep a note in your file',
  ],
};

function opening(random: Random, tone: Tone, event: string): string {
  const before = say(random, tone.before, { event });
  const beside = pick(random, tone.beside);
  return random.integer(2) === 0
    ? `${capitalise(before)}, and ${beside}.`
    : `${capitalise(beside)}. ${capitalise(before)}.`;
}

export const empathy: BuiltinTask = {
  name: 'empathy',
  kind: 'human preference',
  domain: 'support',
  description:
    'an upset customer gets an apology and understanding before the next step, rather than procedure',
  situation(random, split) {
    const { told, events, steps } = pick(random, complaints);
    const { item, fault, colour, otherColour } = drawItem(random, split, 1);
    const slots = { item, fault, colour, otherColour };
    const complaint = say(random, told[split], slots);
    const answer = (draw: Random, tone: Tone) =>
      sentences(opening(draw, tone, say(draw, events, slots)), say(draw, steps, slots));
    return {
      query: say(random, frames[split], { complaint }),
      chosen: (draw) => answer(draw, warm),
      rejected: (draw) => answer(draw, cold),
    };
  },
  corpusShare: 0.45,
};
