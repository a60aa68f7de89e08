/** The support tasks' generators: determinism, variety, lengths, and how far test queries lie from training. */
import { describe, expect, it } from 'vitest';
import { empathy } from '../../src/data/builtin/support/empathy.ts';
import { facts } from '../../src/data/builtin/support/facts.ts';
import { honesty } from '../../src/data/builtin/support/honesty.ts';
import { policyFacts } from '../../src/data/builtin/support/policy.ts';
import type { BuiltinTask, Split } from '../../src/data/builtin/task.ts';
import { Random } from '../../src/support/random.ts';

const tasks = [empathy, facts, honesty];
const splits: readonly Split[] = ['train', 'validation', 'test'];
const draws = 800;

const goods = new Set(
  `lamp chair vase mug coat scarf dress belt mirror kettle table bowl jacket hat skirt vest clock teapot shelf
  basket sweater shirt blouse cape`.split(/\s+/),
);

const words = (text: string) => text.toLowerCase().match(/[a-z0-9']+/g) ?? [];
const trigrams = (text: string) => {
  const all = words(text);
  return new Set(all.slice(2).map((_, index) => all.slice(index, index + 3).join(' ')));
};
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function drawRows(task: BuiltinTask, split: Split) {
  return Array.from({ length: draws }, (_, seed) => {
    const random = Random.fromSeed(seed);
    const situation = task.situation(random.fork(split), split);
    const chosen = situation.chosen(random.fork('chosen'));
    return { query: situation.query, chosen, rejected: situation.rejected(random.fork('rejected')) };
  });
}
const rows = new Map(
  tasks.map((task) => [
    task,
    {
      train: drawRows(task, 'train'),
      validation: drawRows(task, 'validation'),
      test: drawRows(task, 'test'),
    } satisfies Record<Split, unknown>,
  ]),
);
const rowsOf = (task: BuiltinTask, split: Split) => rows.get(task)![split];
const queriesOf = (task: BuiltinTask, split: Split) => [
  ...new Set(rowsOf(task, split).map(({ query }) => query)),
];

describe.each(tasks)('the support task $name', (task) => {
  it('is decided by the generators alone', () => {
    for (const split of splits)
      expect(drawRows(task, split).slice(0, 20)).toEqual(rowsOf(task, split).slice(0, 20));
  });

  it('has enough different queries', () => {
    expect(queriesOf(task, 'train').length).toBeGreaterThanOrEqual(400);
    expect(queriesOf(task, 'validation').length).toBeGreaterThanOrEqual(80);
    expect(queriesOf(task, 'test').length).toBeGreaterThanOrEqual(120);
  });

  it('keeps queries to 8-25 words and answers to 14-34, in at most three sentences', () => {
    for (const { query, chosen, rejected } of splits.flatMap((split) => rowsOf(task, split))) {
      expect(words(query).length, query).toBeGreaterThanOrEqual(8);
      expect(words(query).length, query).toBeLessThanOrEqual(25);
      for (const answer of [chosen, rejected]) {
        expect(words(answer).length, answer).toBeGreaterThanOrEqual(14);
        expect(words(answer).length, answer).toBeLessThanOrEqual(34);
        expect(answer.split(/[.!?](?: |$)/).length - 1, answer).toBeLessThanOrEqual(3);
      }
    }
  });

  it('writes plain sentences', () => {
    for (const { query, chosen, rejected } of splits.flatMap((split) => rowsOf(task, split))) {
      for (const text of [query, chosen, rejected]) {
        expect(text).toMatch(/^[A-Z][A-Za-z0-9 ,.:!?']*[.!?]$/);
        expect(text).not.toMatch(/ {2}|[.!?] [a-z]| [,.:!?]|\b(\w+) \1\b/);
        expect(text).not.toMatch(/\ba [aeio]\w+|\ban [^aeiou]/);
      }
    }
  });

  it('gives chosen and rejected answers of the same length and variety', () => {
    const all = splits.flatMap((split) => rowsOf(task, split));
    const ratio =
      mean(all.map(({ chosen }) => words(chosen).length)) /
      mean(all.map(({ rejected }) => words(rejected).length));
    expect(Math.abs(ratio - 1)).toBeLessThan(0.03);
    const variety =
      new Set(all.map(({ chosen }) => chosen)).size / new Set(all.map(({ rejected }) => rejected)).size;
    expect(variety).toBeGreaterThan(0.6);
    expect(variety).toBeLessThan(1 / 0.6);
    const lengths = (pick: (row: (typeof all)[number]) => string) =>
      all.map((row) => words(pick(row)).length);
    const [c, r] = [lengths(({ chosen }) => chosen), lengths(({ rejected }) => rejected)];
    expect(mean(c.map((length, index) => Math.abs(length - r[index]!) / length))).toBeLessThan(0.25);
  });

  it('asks test questions far from the training ones', () => {
    const train = queriesOf(task, 'train').map(trigrams);
    const nearest = queriesOf(task, 'test')
      .slice(0, 150)
      .map((query) => {
        const mine = trigrams(query);
        return Math.max(
          ...train.map((other) => {
            const shared = [...mine].filter((trigram) => other.has(trigram)).length;
            return shared / (mine.size + other.size - shared);
          }),
        );
      });
    expect(Math.max(...nearest)).toBeLessThan(0.15);
    expect(mean(nearest)).toBeLessThan(0.05);
  });

  it('tests on things that training and validation do not ask about', () => {
    const named = (split: Split) =>
      new Set(queriesOf(task, split).flatMap((query) => words(query).filter((word) => goods.has(word))));
    const seen = new Set([...named('train'), ...named('validation')]);
    expect([...named('test')].filter((item) => seen.has(item))).toEqual([]);
    expect([named('test').size, seen.size]).toEqual([8, 16]);
  });

  it('shares no query between splits', () => {
    const sets = splits.map((split) => queriesOf(task, split));
    expect(new Set(sets.flat()).size).toBe(sets.flat().length);
  });
});

describe('the support tasks together', () => {
  it('have a small vocabulary, of which test queries use nothing that training never shows', () => {
    const wordsIn = (split: Split, parts: readonly ('query' | 'chosen' | 'rejected')[]) =>
      tasks.flatMap((task) =>
        rowsOf(task, split).flatMap((row) => parts.flatMap((part) => words(row[part]))),
      );
    const texts = ['query', 'chosen', 'rejected'] as const;
    const shown = new Set([...wordsIn('train', texts), ...wordsIn('validation', texts)]);
    const all = new Set([...shown, ...wordsIn('test', texts)]);
    const asked = new Set(wordsIn('test', ['query']));
    expect(all.size).toBeLessThanOrEqual(450);
    expect([...asked].filter((word) => !shown.has(word))).toEqual([]);
  });

  it("give each of the policy's facts four values that no other fact has", () => {
    const values = Object.values(policyFacts).flatMap(({ right, wrong }) => [right, ...wrong]);
    expect(new Set(values).size).toBe(4 * Object.keys(policyFacts).length);
  });
});
