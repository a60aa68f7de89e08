/** What goes wrong with orders: how customers say it, how it is named in answers, what is done. For `empathy.ts`. */
import type { BySplit } from './shop.ts';

interface Complaint {
  readonly told: BySplit;
  /** The same in the words of the shop: a clause. */
  readonly events: readonly string[];
  /** The next step: a sentence. */
  readonly steps: readonly string[];
}

const replacement = [
  'I will send you a new {item} today and you pay nothing.',
  'A new {colour} {item} will leave our shop this morning.',
  'We will send another {item} today by express for free.',
  'Please keep the box, and I will send a new {item} now.',
  'I will now order another {colour} {item} for you for free.',
];

export const complaints: readonly Complaint[] = [
  {
    told: {
      train: [
        'my {colour} {item} should have been here last week',
        'I am still waiting for the {colour} {item} I ordered',
        'the {colour} {item} is many days late',
      ],
      validation: [
        'the parcel with my {colour} {item} is very late',
        'the {colour} {item} did not come yesterday',
      ],
      test: [
        'each day I look out for this {item} in {colour}, and no driver comes',
        'it was to come on Monday, and still there is no {item} at my door',
      ],
    },
    events: [
      'your {item} is late',
      'the {item} did not come in time',
      'you are still waiting for the {item}',
    ],
    steps: [
      'I will call the driver now and give you a new day.',
      'We will send your {item} by express today for free.',
      'Please look for an email from me with the new delivery day.',
      'I will ask the delivery team today and write to you.',
      'The driver will bring the {item} first tomorrow morning.',
    ],
  },
  {
    told: {
      train: [
        'the {colour} {item} was {fault} when I opened the box',
        'my new {colour} {item} arrived {fault}',
        'you sent me a {fault} {item}',
      ],
      validation: [
        'I opened the parcel and the {colour} {item} was {fault}',
        'the {item} came {fault} yesterday',
      ],
      test: [
        'out of the box comes one {fault} {item}, and I paid for a good one',
        'all I got for my dollars is a {item} that is {fault}',
      ],
    },
    events: [
      'your {item} arrived {fault}',
      'the {item} was {fault} in the box',
      'we sent you a {fault} {item}',
    ],
    steps: replacement,
  },
  {
    told: {
      train: [
        'I ordered a {colour} {item} and you sent me a {otherColour} one',
        'the {item} is {otherColour} and not {colour}',
        'my {colour} {item} came in the wrong colour',
      ],
      validation: [
        'the box had a {otherColour} {item} in it, not a {colour} one',
        'you sent the wrong {item} to me',
      ],
      test: [
        'who would want this {item} in {otherColour}, when my order says {colour}',
        'all of our home is {colour}, and now here is one {otherColour} {item}',
      ],
    },
    events: [
      'your {item} came in the wrong colour',
      'we sent you the wrong {item}',
      'the {item} is not the one you chose',
    ],
    steps: replacement,
  },
  {
    told: {
      train: [
        'the parcel with my {colour} {item} is lost',
        'nobody can find the {colour} {item} I paid for',
        'you lost my {colour} {item} on the way',
      ],
      validation: ['the driver says that my {colour} {item} is lost', 'my {item} was lost last week'],
      test: [
        'no driver and no shop can tell me about my lost {item}',
        'on its way to me your driver lost one {colour} {item}',
      ],
    },
    events: [
      'your {item} was lost on the way',
      'we cannot find your parcel',
      'the parcel with your {item} is lost',
    ],
    steps: replacement,
  },
  {
    told: {
      train: [
        'you charged me twice for one {colour} {item}',
        'I paid two times for my {colour} {item}',
        'there are two charges on my card for the {colour} {item}',
      ],
      validation: [
        'my card was charged twice for the {colour} {item}',
        'I had to pay for the {item} two times',
      ],
      test: [
        'the price of this {item} went from my card two times today',
        'I see that one {item} in {colour} costs me two times the price',
      ],
    },
    events: [
      'you paid twice for the {item}',
      'we charged your card two times',
      'the {item} was charged twice',
    ],
    steps: [
      'I will send the second charge back to your card today.',
      'You will get the money for the second charge back today.',
      'We will cancel the second charge and write to you today.',
      'Please look at your card tomorrow, the money will be back.',
      'I will now give you the money for the second charge back.',
    ],
  },
  {
    told: {
      train: [
        'there was no {item} in the box you sent me',
        'the box for my {colour} {item} was empty',
        'I opened the parcel and there was no {colour} {item} in it',
      ],
      validation: ['my parcel came without the {colour} {item}', 'you sent me an empty box and no {item}'],
      test: [
        'all that came from you is one empty parcel, and where is the {item}',
        'I open my box and find no {colour} {item} at all',
      ],
    },
    events: ['your {item} was not in the box', 'the box was empty', 'we sent the parcel without the {item}'],
    steps: replacement,
  },
  {
    told: {
      train: [
        'the {colour} {item} was dirty when I opened the box',
        'my new {colour} {item} arrived dirty',
        'you sent me a dirty old {item}',
      ],
      validation: [
        'I opened the parcel and the {colour} {item} was dirty',
        'the {item} came dirty yesterday',
      ],
      test: [
        'who would want to have one {item} this old and dirty',
        'this {colour} {item} is so dirty that I cannot give it to a friend',
      ],
    },
    events: ['your {item} arrived dirty', 'the {item} was dirty in the box', 'we sent you a dirty {item}'],
    steps: replacement,
  },
  {
    told: {
      train: [
        'nobody answers my emails about the {colour} {item}',
        'I wrote to you about my {colour} {item} and there was no answer',
        'I am still waiting for an answer about my {item}',
      ],
      validation: [
        'there is no answer to my message about the {colour} {item}',
        'nobody writes back about my {item}',
      ],
      test: [
        'I call and call about one {colour} {item}, and nobody in your team answers me',
        'all my emails to you on this {item} get no answer at all',
      ],
    },
    events: [
      'nobody wrote back to you',
      'there was no answer about your {item}',
      'your emails got no answer',
    ],
    steps: [
      'I will ask the team about your {item} and call you today.',
      'Please give me your order number, and I will look now.',
      'I will now read your emails and answer them all today.',
      'We will call you about the {colour} {item} this morning.',
      'You will get an email about the {item} from me today.',
    ],
  },
];
