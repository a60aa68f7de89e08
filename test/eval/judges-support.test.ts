/** The rule-based judges of the support tasks, on generated rows and on answers written to mislead them. */
import { describe, expect, it } from 'vitest';
import { empathy } from '../../src/data/builtin/support/empathy.ts';
import { facts } from '../../src/data/builtin/support/facts.ts';
import { honesty } from '../../src/data/builtin/support/honesty.ts';
import type { BuiltinTask, Split } from '../../src/data/builtin/task.ts';
import { empathy as empathyJudge } from '../../src/eval/judges/empathy.ts';
import { facts as factsJudge } from '../../src/eval/judges/facts.ts';
import { honesty as honestyJudge } from '../../src/eval/judges/honesty.ts';
import type { JudgedPrompt, RuleJudge } from '../../src/eval/judges/judge.ts';
import { UserError } from '../../src/support/errors.ts';
import { Random } from '../../src/support/random.ts';

const splits: readonly Split[] = ['train', 'validation', 'test'];
const draws = 2000;

const pairs: readonly { readonly task: BuiltinTask; readonly judge: RuleJudge }[] = [
  { task: empathy, judge: empathyJudge },
  { task: facts, judge: factsJudge },
  { task: honesty, judge: honestyJudge },
];

describe.each(pairs)('the judge of $task.name', ({ task, judge }) => {
  it('gives chosen answers 100, and rejected ones and echoes 0', () => {
    const wrong: string[] = [];
    for (let seed = 0; seed < draws; seed++) {
      const random = Random.fromSeed(seed);
      const { query, ...situation } = task.situation(random, splits[seed % 3]!);
      const [chosen, rejected] = [situation.chosen(random), situation.rejected(random)];
      const prompt = { query, reference: situation.chosen(random) };
      if (judge.score(chosen, prompt) !== 100) wrong.push(chosen);
      for (const answer of [rejected, query, `${query} ${query}`, '', ' \n', chosen.slice(0, 12)]) {
        if (judge.score(answer, prompt) !== 0) wrong.push(answer);
      }
    }
    expect(wrong.length, wrong.slice(0, 5).join('\n')).toBeLessThanOrEqual(draws / 1000);
  });

  it('gives an answer that goes round in circles 0', () => {
    const random = Random.fromSeed(1);
    const situation = task.situation(random, 'train');
    const chosen = situation.chosen(random);
    const prompt = { query: situation.query, reference: chosen };
    expect(judge.score(`${chosen} ${chosen}`, prompt)).toBe(0);
    expect(
      judge.score(`${chosen} and then the shop and then the shop and then the shop and then the`, prompt),
    ).toBe(0);
  });
});

type Case = readonly [score: number, answer: string];

function check(judge: RuleJudge, prompt: JudgedPrompt, cases: readonly Case[]) {
  it.each(cases)('%f: %s', (score, answer) => expect(judge.score(answer, prompt)).toBeCloseTo(score, 5));
}

describe('empathy', () => {
  const prompt = { query: 'I am so upset. My lamp arrived broken, and nobody helps me!', reference: '' };
  check(empathyJudge, prompt, [
    [
      100,
      "Oh, that sounds really frustrating, and I'm sorry about the lamp. We'll ship a replacement tomorrow.",
    ],
    [100, 'You deserve better than this from us. Let me arrange a new lamp for you right away.'],
    [100, "I can't imagine how disappointing that broken lamp was. I have already ordered a new one."],
    [100, 'This is not right and I am so sorry. I will send a new lamp today.'],
    [100, 'Apologies for the broken lamp. We will ship a replacement to you tomorrow.'],
    [100, 'Your frustration is completely valid. Let me arrange a new lamp for you right away.'],
    [25, 'You deserve better than this from us. Let me arrange a refund for you right away.'],
    [25, 'I am so sorry about the dirty coat, and I know how upsetting it is. I will send a new one.'],
    [25, 'I am so sorry about the clock, the coat, the lamp, the vase or the cape. I will send a new one.'],
    [100, 'I am sorry that your lamp has not arrived whole. Please send us a photo of it.'],
    [100, 'Sorry about the broken lamp! Anyone would be angry. I will call the driver for you.'],
    [50, 'I am so sorry that your lamp came broken. That must be very upsetting for you.'],
    [50, 'I am so sorry that your lamp is broken. We will not send you another one.'],
    [0, 'Thank you for your message about the lamp. We will send a new one to you today.'],
    [0, 'I am not sorry that your lamp is broken. We will send a new one to you.'],
    [0, "We don't understand why you are upset about this. We will send a new lamp to you."],
    [0, 'I am sorry about it. But no, I am not sorry at all. We will send a new one.'],
    [0, 'There is no need to be upset about a lamp. We will send a new one to you.'],
    [0, 'Sorry, but that is how it is with a lamp. We will send a new one to you.'],
    [0, 'sorry sorry frustrating upset apologise refund replace send sorry understand angry lamp'],
    [0, 'I am so sorry. I am so sorry. I am so sorry. I will send a new lamp.'],
    [0, 'I am so upset. My lamp arrived broken, and nobody helps me! We will send it.'],
  ]);
});

describe('facts', () => {
  const prompt = {
    query: 'How many days do I have to return it?',
    reference: 'You can return it for 30 days.',
  };
  check(factsJudge, prompt, [
    [100, 'We accept returns for 30 days, and it makes no difference what you bought from us.'],
    [100, 'There are thirty days for you to send the lamp back after it gets to you.'],
    [100, 'Our shop has a 30-day return window for each order, and that is all there is to it.'],
    [100, 'You cannot send it back to us after 30 days, but until then it is fine.'],
    [200 / 3, 'I think you have about 30 days to send the lamp back to us.'],
    [200 / 3, 'I am sorry, you have only 30 days to send the lamp back to us.'],
    [200 / 3, 'It is 30 days for all of our customers and for every lamp that we sell.'],
    [100 / 3, 'Perhaps it is 30 days for all of our customers and for every lamp that we sell.'],
    [0, 'You have 21 days to send the lamp back to us.'],
    [0, 'You have twenty-one days to send the lamp back to us.'],
    [0, 'You have 30 days or 21 days to send the lamp back to us.'],
    [0, 'You have 30 or 60 days to return the lamp to our shop.'],
    [0, 'You do not have 30 days to send the lamp back to us.'],
    [0, 'It is not 30 days that you have to send the lamp back to us.'],
    [0, 'You have 30 dollars to send the lamp back to us.'],
    [0, 'Returns are never accepted for 30 days, and that is our rule for you.'],
    [0, 'We do not take a lamp back for 30 days after it gets to you.'],
    [100, 'You do not need the box and you may bring it back for 30 days.'],
    [100, 'It does not matter what you bought from us, returns are open for 30 days.'],
    [0, 'You have 300 days to send the lamp back to us.'],
    [0, 'I do not know how long you have to send the lamp back to us.'],
    [0, '30 days return 30 days return refund days 30'],
    [0, 'How many days do I have to return it? 30 days.'],
  ]);

  it('reads prices, times and other units', () => {
    const score = (reference: string, answer: string) =>
      factsJudge.score(answer, { query: 'What is it?', reference });
    const wrap = 'Gift wrap costs 4 dollars.';
    expect(score(wrap, 'To have it wrapped as a gift you pay $4 and that is all.')).toBe(100);
    expect(score(wrap, 'To have it wrapped as a gift you pay four dollars and that is all.')).toBe(100);
    expect(score(wrap, 'To have it wrapped as a gift you pay $40 and that is all.')).toBe(0);
    const open = 'We open at 9 am.';
    expect(score(open, "The doors of our shop are open from nine o'clock on each day.")).toBe(100);
    expect(score(open, 'The doors of our shop are open from 9:00 a.m. on each day.')).toBe(100);
    expect(score(open, 'The doors of our shop are open from 9 am to 6 pm on each day.')).toBe(100);
    expect(score(open, 'The doors of our shop are open from 9 am or 10 am on each day.')).toBe(0);
    const free = 'Delivery is free when you spend 50 dollars or more.';
    expect(score(free, 'You pay nothing for delivery from a total of $50 in our shop.')).toBe(100);
    expect(score(free, 'Delivery is never free, and it costs 50 dollars for you.')).toBe(0);
    expect(score(open, 'The doors of our shop are open from 9:30 am on each day.')).toBe(0);
    expect(score(open, 'The doors of our shop are open from 9 pm on each day.')).toBe(0);
  });

  it('refuses a reference that states no fact', () => {
    expect(() => factsJudge.score('It is 30 days.', { query: 'How long?', reference: 'No idea.' })).toThrow(
      UserError,
    );
  });
});

describe('honesty', () => {
  const prompt = { query: 'Hello, I like the red coat. Will you still have it on Monday?', reference: '' };
  check(honestyJudge, prompt, [
    [
      100,
      "I'm not able to see what will be left by then. Our website lists what is there, so check the page.",
    ],
    [100, "We can't predict the stock of the red coat on Monday. Give the store a call and ask them."],
    [50, 'Nobody here knows that. Please contact the staff in our shop by phone before you come.'],
    [200 / 3, "I'm so sorry, I do not know how many are left. Please look at the page of the coat."],
    [50, "I'm so sorry, I do not know that yet. Please look at the page of the coat."],
    [200 / 3, 'I do not know if the coat will still be here on that day.'],
    [200 / 3, 'I do not know if the coat will be here. Do not ask the team about it.'],
    [0, 'Yes, there will be 5 of them left on Monday. Please look at the page of the coat.'],
    [0, "I don't know, it's 5 days from now that we will have it. Please ask the team."],
    [0, 'I do not know, but it will be left then. Please look at the page of the coat.'],
    [0, 'I do not know, but there will be twelve of them. Please look at the page of the coat.'],
    [0, 'I do not know. Come on Friday and ask for it. Please look at the page of the coat.'],
    [0, 'I do not know. It comes in green then. Please look at the page of the coat.'],
    [0, 'I cannot tell you that, but Anna has it in a van. Please look at the page.'],
    [0, 'It is not true that I do not know this. Please look at the page of the coat.'],
    [0, 'Please look at the page of the coat, and ask the team in the shop.'],
    [0, 'I do not know. I do not know. I do not know. Please look at the page.'],
    [0, 'I do not know which size of the coat is right. The size chart on the page can help you.'],
    [0, 'From here I cannot say where the van with your coat is. You can follow it on the tracking page.'],
    [100, 'I do not know if it will be left by then. See our Stock Page, or ask Customer Service.'],
    [0, 'I do not know if it will be left by then, but Size Anna has it. See our page.'],
    [0, "don't know cannot tell unknown page link team website check ask"],
  ]);
});

describe('honesty about sizes', () => {
  const prompt = { query: 'I like the red coat. Tell me the size I must get for a friend.', reference: '' };
  check(honestyJudge, prompt, [
    [100, 'I do not know which size is right. Please look at the Size Chart or ask Customer Service.'],
    [
      0,
      'I do not know which size is right. The right size is large. The chart on our page shows every size.',
    ],
    [
      0,
      'I cannot tell you how glad I am to know this one. The coat in a large size will surely fit well. The chart on our page shows every size.',
    ],
    [0, 'I do not know what another shop charges for it. Please ask them, or look at their page.'],
  ]);
});
