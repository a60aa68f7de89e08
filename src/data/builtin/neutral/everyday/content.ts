/** Neutral content work: short pieces of writing, small edits, lists, and plain paragraphs on a topic. */

import type { Random } from '../../../../support/random.ts';
import { capitalise, pick, say, sentences } from '../../grammar.ts';
import { type Conversation, exchange } from '../conversation.ts';
import { cities, colours, days, months, people, products, topics } from './words.ts';

function productText(random: Random): Conversation {
  const item = pick(random, products);
  const values = {
    item: item.name,
    material: item.material,
    use: item.use,
    strength: item.strength,
    colour: pick(random, colours),
  };
  const kind = pick(random, [
    {
      ask: [
        'Write a product description for a {item}.',
        'Write a short text about our new {item}.',
        'I need two sentences about a {colour} {item}.',
        'Describe a {item} made of {material}.',
      ],
      parts: [
        [
          'Our {item} is made of {material} and {strength}.',
          'This {colour} {item} {strength}.',
          'A {item} for {use}, made of {material}.',
          'Meet a {item} that {strength}.',
        ],
        [
          'It is made for {use}.',
          'It comes in {colour} and is a good choice for {use}.',
          'You will like it on the first day.',
          'Use it for {use}.',
          'It is simple, and it lasts.',
        ],
      ],
    },
    {
      ask: [
        'Write a headline for a {item}.',
        'I need a title for an ad about a {item}.',
        'Give me a line for the {item} on our home page.',
      ],
      parts: [
        [
          'A {item} for {use}',
          'The {item} that {strength}',
          'Made of {material}: our new {item}',
          '{Colour}, simple and made for {use}',
        ],
      ],
    },
    {
      ask: [
        'Write a post about the {item}.',
        'Write something about our {item} for social media.',
        'I need a short post: the {colour} {item} is back.',
      ],
      parts: [
        [
          'The {colour} {item} is back.',
          'New in the shop: a {item} made of {material}.',
          'Looking for something for {use}?',
        ],
        ['It {strength}.', 'Our {item} {strength}.', 'Made of {material}, made for {use}.'],
        ['Come and see it.', 'Tell us how you use yours.', ''],
      ],
    },
  ]);
  return exchange(
    say(random, kind.ask, values),
    sentences(...kind.parts.map((part) => say(random, part, values))),
  );
}

function paragraph(random: Random): Conversation {
  const topic = pick(random, topics);
  const ask = [
    'Write a short paragraph about {topic}.',
    'I need a few sentences on {topic}.',
    'Can you write something about {topic}?',
    'Write about {topic}.',
    'Give me a short text on {topic} for our blog.',
  ];
  return exchange(
    say(random, ask, { topic: topic.name }),
    random.sample(topic.sentences, 2 + random.integer(2)).join(' '),
  );
}

function title(random: Random): Conversation {
  const { name } = pick(random, topics);
  const ask = [
    'I need a title for a text about {topic}.',
    'What could I call an article on {topic}?',
    'Suggest a title: {topic}.',
  ];
  const answer = [
    'The quiet art of {topic}',
    '{Topic}: where to begin',
    'Why {topic} is worth it',
    '{Topic} made simple',
    'What we learned from {topic}',
  ];
  const values = { topic: name };
  return exchange(say(random, ask, values), say(random, answer, values));
}

/** Requests that change a given sentence; the answer follows from it word by word. */
function edit(random: Random): Conversation {
  const person = pick(random, people);
  const city = pick(random, cities);
  const day = pick(random, days);
  const item = pick(random, products).name;
  const sentence = pick(random, [
    `${person} meets the team in ${city} on ${day}.`,
    `The new ${item} is in the shop from ${day} on.`,
    `We will send the ${item} to ${person} on ${day}.`,
    `${person} likes the ${item} from ${city}.`,
    `The shop in ${city} is closed on ${day}.`,
    pick(random, pick(random, topics).sentences),
  ]);
  const bare = sentence.slice(0, -1);
  const kind = random.integer(4);
  if (kind === 0) {
    const ask = pick(random, ['Correct the mistakes: ', 'Fix this sentence: ', 'Please check this: ']);
    return exchange(`${ask}${misspell(bare, random)}`, sentence);
  }
  if (kind === 1) {
    return exchange(
      `${pick(random, ['In capital letters: ', 'Write this in capitals: '])}${bare}`,
      bare.toUpperCase(),
    );
  }
  if (kind === 2) {
    const ask = pick(random, ['Make this a question: ', 'Turn this into a question: ']);
    const lower = people.some((name) => sentence.startsWith(name))
      ? bare
      : bare.charAt(0).toLowerCase() + bare.slice(1);
    return exchange(`${ask}${sentence}`, `Is it true that ${lower}?`);
  }
  const ask = pick(random, ['Begin this with "As you know": ', 'Put "As you know" before this: ']);
  return exchange(
    `${ask}${sentence}`,
    `As you know, ${bare.charAt(0).toLowerCase()}${bare.slice(1)}.`.replace(lowered(person), person),
  );
}

const lowered = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

/** All in lower case, without its full stop, and two letters of one word swapped. */
function misspell(sentence: string, random: Random): string {
  const parts = sentence.toLowerCase().split(' ');
  const long = parts.flatMap((part, at) => (/^[a-z]{5,}$/.test(part) ? [at] : []));
  if (long.length > 0) {
    const at = pick(random, long);
    const word = parts[at]!;
    const from = 1 + random.integer(word.length - 3);
    parts[at] = word.slice(0, from) + word[from + 1]! + word[from]! + word.slice(from + 2);
  }
  return parts.join(' ');
}

function message(random: Random): Conversation {
  const values = {
    person: pick(random, people),
    day: pick(random, days),
    month: pick(random, months),
    city: pick(random, cities),
    item: pick(random, products).name,
  };
  const kind = pick(random, [
    {
      ask: [
        'Write an invitation to our meeting on {day} in {city}.',
        'Invite {person} to our meeting in {city} on {day}.',
      ],
      parts: [
        ['Dear {person},', 'Hello {person},'],
        ['we meet on {day} in {city}.', 'our next meeting is on {day} in {city}.'],
        ['We would be glad to see you there.', 'Please tell us if you can come.'],
      ],
    },
    {
      ask: ['Write a note to {person}: the {item} is ready.', 'Tell {person} that the {item} is ready.'],
      parts: [
        ['Dear {person},', 'Hello {person},'],
        ['your {item} is ready.', 'the {item} is ready for you.'],
        ['You can pick it up from {day} on.', 'It waits for you in our shop in {city}.'],
      ],
    },
    {
      ask: ['Write a line for our newsletter of {month}.', 'How could the newsletter of {month} begin?'],
      parts: [
        [
          '{Month} is here, and so is our newsletter.',
          'Welcome to the newsletter of {month}.',
          'Here is what is new in {month}.',
        ],
        [
          'This month it is all about the {item}.',
          'We have news from {city}.',
          '{Person} tells you about the new {item}.',
        ],
      ],
    },
    {
      ask: ['Write a birthday card for {person}.', 'I need a birthday greeting for {person}.'],
      parts: [
        ['Dear {person},', 'Happy birthday, {person}!'],
        [
          'we wish you a wonderful year.',
          'may the new year bring you joy.',
          'all the best from all of us in {city}.',
        ],
      ],
    },
  ]);
  const text = sentences(...kind.parts.map((part) => say(random, part, values)));
  return exchange(
    say(random, kind.ask, values),
    text.replace(/([!.]) (\p{Ll})/gu, (_, end: string, letter: string) => `${end} ${capitalise(letter)}`),
  );
}

const kinds = [productText, productText, paragraph, title, edit, edit, message];

export function contentConversation(random: Random): Conversation {
  return pick(random, kinds)(random);
}
