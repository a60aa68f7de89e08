/** Contradictions between new and accepted pairs: what is one, what is none, and what becomes of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PreferenceRow } from '../../../src/data/row.ts';
import { contradiction } from '../../../src/learn/conflicts/contradiction.ts';
import { type AcceptedRow, type Conflict, findConflicts } from '../../../src/learn/conflicts/find.ts';
import { applyPolicy, listConflicts, summary } from '../../../src/learn/conflicts/policy.ts';
import { jaccard, shingleSet } from '../../../src/learn/conflicts/text.ts';
import { type EmbeddingSource, TextVectors } from '../../../src/learn/conflicts/text-vectors.ts';
import { Random } from '../../../src/support/random.ts';

const pair = (prompt: string, chosen: string, rejected: string, index = 0): PreferenceRow => ({
  index,
  prompt: [{ role: 'user', content: prompt }],
  chosen,
  rejected,
});
const exchanged = (row: PreferenceRow): PreferenceRow => ({
  ...row,
  chosen: row.rejected,
  rejected: row.chosen,
});
const accept = (rows: readonly PreferenceRow[], task = 'old'): AcceptedRow[] =>
  rows.map((row) => ({ task, row }));

const likeness = (one: string, other: string) => jaccard(shingleSet(one), shingleSet(other));

const REFUND = pair(
  'My order arrived broken. Can I have my money back?',
  'I am sorry about that. You will have your money back within three days.',
  'No. Broken things are none of our business, read the small print.',
);

describe('two pairs contradict each other', () => {
  const thresholds = { prompt: 0.5, response: 0.5 };
  const judged = (prompt: number, cc: number, rr: number, cr: number, rc: number) =>
    contradiction((one, other) => {
      if (one === 'prompt') return other === 'prompt' ? prompt : Number.NaN;
      if (one === 'chosen') return other === 'chosen' ? cc : cr;
      return other === 'rejected' ? rr : rc;
    }, thresholds);

  it.each([
    ['what one prefers the other rejects', judged(0.9, 0.1, 0.1, 0.8, 0.7), { prompt: 0.9, response: 0.7 }],
    ['at the thresholds', judged(0.5, 0.1, 0.1, 0.5, 0.5), { prompt: 0.5, response: 0.5 }],
    ['responses alike, better crosswise', judged(1, 0.9, 0.9, 1, 1), { prompt: 1, response: 1 }],
  ])('where %s', (_, found, expected) => expect(found).toEqual(expected));

  it.each([
    ['another prompt', judged(0.4, 0.1, 0.1, 1, 1)],
    ['labels as they were', judged(1, 1, 1, 0.1, 0.1)],
    ['one response alone crosswise', judged(1, 0.1, 0.1, 1, 0.3)],
    ['responses alike, better as they are', judged(1, 1, 1, 0.9, 0.9)],
    ['responses that could be matched either way', judged(1, 1, 1, 1, 1)],
    ['likenesses that are no numbers', judged(Number.NaN, 0, 0, 1, 1)],
  ])('not with %s', (_, found) => expect(found).toBeNull());
});

describe('by letters', () => {
  it('a pair and its exchange do, with edits too, and tell task and row', () => {
    const earlier = [
      ...accept(
        [pair('Something else altogether, about trains.', 'They run on time.', 'They never run.', 4)],
        'trains',
      ),
      ...accept([{ ...REFUND, index: 17 }], 'refunds'),
    ];
    const edited = pair(
      'my order arived broken, can i have my money back',
      'No! Broken things are none of our business. Read the small print.',
      "I'm sorry about that. You will have your money back within 3 days.",
      2,
    );
    const found = findConflicts([pair('Hello there?', 'Hi!', 'Go away.', 1), edited], earlier);
    expect(found).toEqual([
      { newRow: 2, earlierRow: 17, task: 'refunds', kind: 'lexical', similarity: expect.any(Number) },
    ]);
    expect(found[0]!.similarity).toBeGreaterThan(0.5);
    expect(found[0]!.similarity).toBeLessThan(1);
    expect(findConflicts([exchanged(REFUND)], accept([REFUND]))[0]!.similarity).toBe(1);
  });

  it('the same pair does not, nor one that shares one response, nor another question with these answers', () => {
    const others = [
      REFUND,
      pair(REFUND.prompt[0]!.content, REFUND.rejected, 'We will think about it and let you know.'),
      exchanged(pair('Does the guarantee cover water in a telephone?', REFUND.chosen, REFUND.rejected)),
    ];
    expect(findConflicts(others, accept([REFUND]))).toEqual([]);
  });

  it('conversations are compared whole', () => {
    const conversation = (first: string): PreferenceRow => ({
      ...REFUND,
      prompt: [
        { role: 'user', content: first },
        { role: 'assistant', content: 'What can I do for you?' },
        REFUND.prompt[0]!,
      ],
    });
    const long =
      'I bought a washing machine from you last week, the blue one with a large door, and need some help.';
    expect(findConflicts([exchanged(conversation(long))], accept([conversation(long)]))).toHaveLength(1);
    const unlike =
      'Do you sell garden furniture? Please answer in the name of the shop, in French, as a poem of four lines, ' +
      'and mention that every chair comes with a cushion, that tables are made of oak, and that we close on Mondays.';
    expect(findConflicts([exchanged(conversation(long))], accept([conversation(unlike)]))).toEqual([]);
  });

  const words = fc.array(
    fc.constantFrom(...'the a red dog runs home and sleeps while rain falls on it'.split(' ')),
    {
      minLength: 3,
      maxLength: 14,
    },
  );
  const texts = words.map((list) => list.join(' '));
  const rows = fc
    .array(fc.tuple(texts, texts, texts), { minLength: 1, maxLength: 8 })
    .map((list) => list.map(([prompt, chosen, rejected], index) => pair(prompt, chosen, rejected, index)));

  it('an exchanged copy is always found, unless its responses are one', () => {
    fc.assert(
      fc.property(rows, (list) => {
        const found = findConflicts(list.map(exchanged), accept(list));
        for (const row of list) {
          const isFound = found.some((one) => one.newRow === row.index && one.earlierRow === row.index);
          // Words in another order may have the very same shingles.
          expect(isFound).toBe(likeness(row.chosen, row.rejected) < 1);
        }
      }),
    );
  });

  it('new and accepted can change places, and other accepted rows change nothing', () => {
    // Where little is alike it is chance whether a pair is looked at, in either direction.
    const places = (found: readonly Conflict[]) =>
      found
        .filter(({ similarity }) => similarity > 0.85)
        .map(({ newRow, earlierRow, similarity }) => [newRow, earlierRow, similarity]);
    fc.assert(
      fc.property(rows, rows, (one, other) => {
        const together = [...other, ...one.map(exchanged)].map((row, index) => ({ ...row, index }));
        const found = places(findConflicts(one, accept(together)));
        const back = places(findConflicts(together, accept(one)));
        expect(back.map(([a, b, alike]) => [b, a, alike]).sort()).toEqual([...found].sort());
        const more = [...accept(together), ...accept(one.slice(0, 1), 'more')];
        const again = findConflicts(one, more).filter(({ task }) => task === 'old');
        expect(places(again)).toEqual(found);
      }),
      { seed: 1 },
    );
  });
});

describe('by embeddings', () => {
  /** Words are tokens; those of a group have the same vector, and every group another. */
  const GROUPS = [
    ['purchase', 'buy'],
    ['automobile', 'car'],
    ['rapidly', 'fast'],
    ['forbidden', 'illegal'],
    ['physician', 'doctor'],
    ['permitted', 'allowed'],
  ];
  const vocabulary = Array.from({ length: 4000 }, (_, id) => `filler${id}`);
  for (const [group, both] of GROUPS.entries()) {
    for (const [side, word] of both.entries()) vocabulary[3000 + 2 * group + side] = word;
  }
  const hiddenSize = 300;
  const vectorOf = (id: number) => {
    const random = Random.fromSeed(id >= 3000 && id < 3012 ? 3000 + ((id - 3000) >> 1) : id);
    return Array.from({ length: hiddenSize }, () => 1 + random.uniform());
  };
  const source: EmbeddingSource = {
    tokenizer: {
      encode: (text) =>
        Int32Array.from(text.split(' ').filter(Boolean), (word) => {
          const id = vocabulary.indexOf(word);
          return id === -1 ? 100 + word.length : id;
        }),
    },
    embeddings: {
      vocabularySize: vocabulary.length,
      hiddenSize,
      vectors: (tokens) => Float32Array.from(Array.from(tokens).flatMap(vectorOf)),
    },
  };

  it('finds what says the same in other letters, which letters alone do not', () => {
    const earlier = pair('purchase automobile', 'permitted rapidly', 'forbidden physician');
    const said = pair('buy car', 'illegal doctor', 'allowed fast');
    expect(findConflicts([said], accept([earlier]))).toEqual([]);
    const [found, ...more] = findConflicts([said], accept([earlier]), { source });
    expect(found).toMatchObject({ newRow: 0, earlierRow: 0, task: 'old', kind: 'embedding' });
    expect(found!.similarity).toBeGreaterThan(0.99);
    expect(more).toEqual([]);
    expect(findConflicts([exchanged(said)], accept([earlier]), { source })).toEqual([]);
    expect(
      findConflicts([said], accept([pair('doctor fast', earlier.chosen, earlier.rejected)]), { source }),
    ).toEqual([]);
  });

  it('names a pair once that letters find too, as lexical', () => {
    const earlier = pair('purchase automobile', 'permitted rapidly', 'forbidden physician');
    const found = findConflicts([exchanged(earlier)], accept([earlier]), { source });
    expect(found.map(({ kind }) => kind)).toEqual(['lexical']);
  });

  it('has vectors of length 1 that depend on the text alone, and keep cosines though there are fewer numbers', () => {
    const vectors = new TextVectors(source);
    const first = vectors.of('purchase automobile rapidly');
    vectors.of('filler17 filler18 doctor');
    expect(vectors.of('purchase automobile rapidly')).toEqual(first);
    expect(new TextVectors(source).of('purchase automobile rapidly')).toEqual(first);
    expect(first).toHaveLength(256);
    expect(Math.hypot(...first)).toBeCloseTo(1, 6);
    expect([...vectors.of('')].every((value) => value === 0)).toBe(true);
  });
});

describe('a policy', () => {
  const conflict = (newRow: number, earlierRow: number, task: string): Conflict => ({
    ...{ newRow, earlierRow, task },
    kind: 'lexical',
    similarity: 0.876,
  });
  const some = [
    conflict(0, 5, 'tone'),
    conflict(0, 2, 'tone'),
    conflict(3, 2, 'tone'),
    conflict(3, 0, 'facts'),
  ];

  it('warn lets everything stay', () => expect(applyPolicy('warn', some, 'new.json').size).toBe(0));

  it('prefer-new names the rows that leave, each once, by task', () => {
    expect([...applyPolicy('prefer-new', some, 'new.json')]).toEqual([
      ['tone', [2, 5]],
      ['facts', [0]],
    ]);
  });

  it('error refuses with 2 and lists them, rows from 1', () => {
    expect(() => applyPolicy('error', some, 'new.json')).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: expect.stringMatching(
          /^new\.json: 2 rows contradict 3 accepted ones\n {2}row 1 contradicts row 6 of tone \(near-duplicate, 0\.88\), and 1 more\n/,
        ),
      }),
    );
    expect(applyPolicy('error', [], 'new.json').size).toBe(0);
  });

  it('says what there is more of than it lists', () => {
    expect(listConflicts(some, 1)).toMatch(/^ {2}row 1 [^\n]*, and 1 more\n {2}and 1 more row$/);
    expect(summary(some.slice(0, 1))).toBe('1 row contradicts 1 accepted one');
    expect(summary([])).toBe('0 rows contradict 0 accepted ones');
  });
});
