/** Neutral customer-support conversations: greetings, thanks, and simple questions with plain answers. */

import type { Random } from '../../../../support/random.ts';
import { pick, say, sentences } from '../../grammar.ts';
import { type Conversation, exchange } from '../conversation.ts';
import { cities, colours, days, months, people, products, sizes } from './words.ts';

const greetings = ['Hi', 'Hello', 'Hi there', 'Good morning', 'Good evening', 'Hey'];
const welcomes = [
  'Hello! How can I help you today?',
  'Hi! What can I do for you?',
  'Good to hear from you. What would you like to know?',
  'Hello, and welcome to the shop. How can I help?',
  'Hi there! Are you looking for something?',
];

function greeting(random: Random): Conversation {
  const name = pick(random, people);
  const query = pick(random, [
    pick(random, greetings),
    `${pick(random, greetings)}!`,
    `${pick(random, greetings)}, my name is ${name}.`,
    `${pick(random, greetings)}, is anyone there?`,
    'Can you help me?',
    'I have a question.',
  ]);
  return exchange(
    query,
    pick(
      random,
      query.includes(name)
        ? [`Hello ${name}! How can I help you?`, `Hi ${name}, what can I do for you?`]
        : welcomes,
    ),
  );
}

function thanks(random: Random): Conversation {
  const query = pick(random, [
    'Thanks!',
    'Thank you.',
    'Thanks a lot, that helps.',
    'Great, thank you very much.',
    'Perfect, thanks. Bye!',
    'Ok, that is all I wanted to know.',
    'Thanks for the quick answer.',
  ]);
  const answer = pick(random, [
    'You are welcome. Have a nice day!',
    'Glad I could help.',
    'You are welcome! Write again at any time.',
    'With pleasure. Enjoy your {day}!',
    'Any time. Goodbye!',
  ]);
  return exchange(query, answer.replace('{day}', pick(random, days)));
}

interface Question {
  readonly ask: readonly string[];
  readonly answer: readonly string[];
  readonly more: readonly string[];
}

/** One way to ask, one to answer, and one more sentence. */
function asked(
  random: Random,
  { ask, answer, more }: Question,
  values: Readonly<Record<string, string>>,
): Conversation {
  return exchange(
    say(random, ask, values),
    sentences(say(random, answer, values), say(random, more, values)),
  );
}

/** Questions about a product whose answers follow from what is asked. */
function productQuestion(random: Random): Conversation {
  const item = pick(random, products);
  const [colour, other] = random.sample(colours, 2) as [string, string];
  const size = pick(random, sizes);
  const price = String(8 + random.integer(90));
  const values = {
    item: item.name,
    material: item.material,
    use: item.use,
    strength: item.strength,
    colour,
    other,
    size,
    price,
  };
  const kind = pick(random, [
    {
      ask: [
        'What is the {item} made of?',
        'Which material is the {item}?',
        'Is the {item} made of {material}?',
        'Could you tell me what the {item} is made of?',
      ],
      answer: [
        'The {item} is made of {material}.',
        'It is made of {material}.',
        'We make the {item} from {material}.',
      ],
      more: ['It {strength}.', 'It is made for {use}.', ''],
    },
    {
      ask: [
        'Do you have the {item} in {colour}?',
        'Does the {item} come in {colour}?',
        'Is there a {colour} {item}?',
        'I am looking for a {item} in {colour}.',
      ],
      answer: [
        'Yes, we have the {item} in {colour}.',
        'Yes, the {item} comes in {colour} and in {other}.',
        'The {item} comes in {other} only at the moment.',
        'We have it in {colour}, {size} and up.',
      ],
      more: ['Shall I put one aside for you?', 'It {strength}.', ''],
    },
    {
      ask: [
        'How much is the {item}?',
        'What does the {item} cost?',
        'What is the price of the {colour} {item}?',
      ],
      answer: [
        'The {item} is {price} euros.',
        'It costs {price} euros.',
        'The {item} costs {price} euros in every colour.',
      ],
      more: ['It is made of {material}.', 'That is the price for the {size} one.', ''],
    },
    {
      ask: [
        'What is the {item} good for?',
        'Who is the {item} for?',
        'Can you tell me about the {item}?',
        'What should I know about the {item}?',
      ],
      answer: [
        'The {item} is made for {use}.',
        'Many people take it for {use}.',
        'It is a {item} for {use}.',
      ],
      more: [
        'It {strength}.',
        'It is made of {material} and {strength}.',
        'You can have it in {colour} or {other}.',
      ],
    },
    {
      ask: [
        'Which size of the {item} should I take?',
        'I am not sure about the size of the {item}.',
        'Is the {size} {item} big enough for {use}?',
      ],
      answer: [
        'For {use} most people take the {size} one.',
        'I would take {size}.',
        'The {size} {item} is the right one for {use}.',
      ],
      more: ['It {strength}.', 'The {colour} one is a little wider.', ''],
    },
  ]);
  return asked(random, kind, values);
}

/** Questions about the shop itself. */
function shopQuestion(random: Random): Conversation {
  const [from, to] = random.sample(days, 2) as [string, string];
  const values = {
    from,
    to,
    city: pick(random, cities),
    month: pick(random, months),
    open: String(8 + random.integer(3)),
    close: String(5 + random.integer(4)),
    item: pick(random, products).name,
    person: pick(random, people),
  };
  const kind = pick(random, [
    {
      ask: [
        'When are you open?',
        'What are your opening hours?',
        'Are you open on {from}?',
        'Until when are you open on {from}?',
      ],
      answer: [
        'On {from} we are open from {open} to {close}.',
        'We open at {open} and close at {close}.',
        'The shop is open from {open} in the morning to {close} in the evening.',
      ],
      more: ['On Sunday we are closed.', 'You can write to us at any hour.', ''],
    },
    {
      ask: ['Do you have a shop in {city}?', 'Where is your shop?', 'Can I visit you in {city}?'],
      answer: [
        'Yes, our shop in {city} is next to the station.',
        'We have a small shop in {city}.',
        'You find us in {city}, in the old town.',
      ],
      more: [
        'You are welcome any day but Sunday.',
        'The {item} is in the window.',
        'Ask for {person} at the desk.',
      ],
    },
    {
      ask: [
        'When will the {item} be back?',
        'Is the {item} still in the shop?',
        'Will there be a new {item} this year?',
      ],
      answer: [
        'The {item} will be back in {month}.',
        'We expect the next ones in {month}.',
        'Yes, there are still a few.',
      ],
      more: ['I can write to you when it is here.', 'Many people ask for it.', ''],
    },
    {
      ask: [
        'Can you wrap the {item} as a gift?',
        'The {item} is a present for {person}. Can you wrap it?',
        'Do you have gift cards?',
      ],
      answer: [
        'Yes, we wrap gifts in paper and string.',
        'Of course. Tell us what the card should say.',
        'Yes, gift cards are at the desk and in the online shop.',
      ],
      more: ['It takes a minute.', 'There is no extra cost.', ''],
    },
    {
      ask: [
        'Can I change my address?',
        'I have moved to {city}. Can you change my address?',
        'How do I change my email address?',
      ],
      answer: [
        'Yes, you can change it in your account.',
        'Open your account and choose the entry for addresses.',
        'You can do that in your account under settings.',
      ],
      more: ['It is used from the next order on.', 'It takes effect at once.', ''],
    },
    {
      ask: ['Who packs the orders?', 'Who makes the {item}?', 'Where does the {item} come from?'],
      answer: [
        'The {item} comes from a small workshop in {city}.',
        '{person} and the team in {city} do that.',
        'It is made in {city}.',
      ],
      more: ['We have worked with them for years.', 'They make about forty a week.', ''],
    },
  ]);
  return asked(random, kind, values);
}

/** A second turn after a first one. */
function twoTurns(random: Random): Conversation {
  const first = pick(random, [greeting, productQuestion])(random);
  const second = pick(random, [productQuestion, shopQuestion, thanks])(random);
  return {
    messages: [...first.messages, { role: 'assistant', content: first.answer }, ...second.messages],
    answer: second.answer,
  };
}

const kinds = [
  greeting,
  thanks,
  productQuestion,
  productQuestion,
  productQuestion,
  shopQuestion,
  shopQuestion,
  twoTurns,
];

export function supportConversation(random: Random): Conversation {
  return pick(random, kinds)(random);
}
