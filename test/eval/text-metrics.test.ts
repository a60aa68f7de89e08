import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { characterBleu } from '../../src/eval/text-metrics/character-bleu.ts';
import { corpusChrf, sentenceChrf } from '../../src/eval/text-metrics/chrf.ts';
import { distinct } from '../../src/eval/text-metrics/distinct.ts';
import { scoreAnswers, scoreAnswersFurther } from '../../src/eval/text-metrics/index.ts';
import { cutWords } from '../../src/eval/text-metrics/jieba/cut.ts';
import { longestCommonSubsequence } from '../../src/eval/text-metrics/longest-common-subsequence.ts';
import { rouge } from '../../src/eval/text-metrics/rouge.ts';
import { corpusWordBleu, sentenceWordBleu, tokenize13a } from '../../src/eval/text-metrics/word-bleu.ts';
import { differentCuts, type ExpectedTextMetrics, worstDifference } from './text-metrics-comparison.ts';

const recorded = (): ExpectedTextMetrics =>
  JSON.parse(gunzipSync(readFileSync(new URL('fixtures/text-metrics.json.gz', import.meta.url))).toString());

const chinese = fc.integer({ min: 0x4e00, max: 0x9fd5 }).map((code) => String.fromCharCode(code));
const pieces = [
  '我们',
  '北京大学',
  'GPT-4',
  ' ',
  '\r\n',
  '\n\n',
  '。',
  '……',
  '.......',
  'the',
  '3.14',
  '\u3000',
  '\ud800',
];
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: chinese, maxLength: 40 }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 30 }).map((found) => found.join('')),
);

describe('values recorded from jieba, NLTK, rouge-chinese and sacreBLEU', () => {
  it('are met: every cut, every number to 1e-9', () => {
    const expected = recorded();
    expect([expected.cuts.length, expected.pairs.length]).toEqual([602, 300]);
    expect(differentCuts(expected)).toEqual([]);
    const worst = worstDifference(expected);
    expect(worst.difference, JSON.stringify(worst)).toBeLessThan(1e-9);
  });
});

describe('cutting into words', () => {
  it('loses nothing', () => {
    fc.assert(
      fc.property(text, (whole) => {
        expect(cutWords(whole).join('')).toBe(whole);
      }),
    );
  });

  it('lets no word reach over a line break', () => {
    fc.assert(
      fc.property(text, text, (first, second) => {
        const cut = cutWords(`${first}。\n${second}`);
        expect(cut).toEqual([...cutWords(first), '。', '\n', ...cutWords(second)]);
      }),
    );
  });

  it('takes the dictionary, the hidden Markov model for what it lacks, and single characters elsewhere', () => {
    expect(cutWords('他来到了网易杭研大厦')).toEqual(['他', '来到', '了', '网易', '杭研', '大厦']);
    expect(cutWords('GPT-4用了2+3，😀\r\n')).toEqual([
      'GPT',
      '-',
      '4',
      '用',
      '了',
      '2',
      '+',
      '3',
      '，',
      '😀',
      '\r\n',
    ]);
    expect(cutWords('')).toEqual([]);
  });
});

describe('BLEU-4 over characters', () => {
  it('gives hand-worked values', () => {
    expect(characterBleu('abcd', 'abcde')).toBeCloseTo(100 * Math.exp(1 - 5 / 4), 10);
    // Precisions 2/4 and 1/3, then two orders without a match: 1/(2·2) and 1/(4·1).
    expect(characterBleu('abxy', 'abcd')).toBeCloseTo(100 * (1 / 96) ** (1 / 4), 10);
    // Too short for 3 and 4 characters in a row: 1/2 and 1/4.
    expect(characterBleu('你好', '你好')).toBeCloseTo(100 * (1 / 8) ** (1 / 4), 10);
    // Code points, not UTF-16 units.
    expect(characterBleu('😀😀😀😀', '😀😀😀😀')).toBe(100);
  });
});

describe('ROUGE', () => {
  const scores = (prediction: string, reference: string) => rouge(cutWords(prediction), cutWords(reference));

  it('gives hand-worked values', () => {
    // Words a b a and a b: unigrams {a, b} both; bigrams {ab, ba} and {ab}; in common, in order: a b.
    const { rouge1, rouge2, rougeL } = scores('a b a', 'a b');
    expect(rouge1).toBeCloseTo(100, 5);
    expect(rouge2).toBeCloseTo(200 / 3, 5);
    expect(rougeL).toBeCloseTo(80, 5);
  });

  it('is symmetric', () => {
    fc.assert(
      fc.property(text, text, (first, second) => {
        const [there, back] = [scores(first, second), scores(second, first)];
        for (const name of ['rouge1', 'rouge2', 'rougeL'] as const) {
          expect(there[name]).toBeCloseTo(back[name], 9);
        }
      }),
    );
  });

  it('finds the longest common subsequence of any lengths', () => {
    const sequence = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 100 });
    fc.assert(
      fc.property(sequence, sequence, (first, second) => {
        const found = longestCommonSubsequence(Int32Array.from(first), Int32Array.from(second));
        expect(found).toBe(tableOfLengths(first, second));
      }),
    );
  });
});

/** The textbook's table. */
function tableOfLengths(first: readonly number[], second: readonly number[]): number {
  let row = new Array<number>(second.length + 1).fill(0);
  for (const element of first) {
    const next = [0];
    for (const [at, other] of second.entries()) {
      next.push(element === other ? row[at]! + 1 : Math.max(row[at + 1]!, next[at]!));
    }
    row = next;
  }
  return row.at(-1)!;
}

describe('the paper’s four scores', () => {
  const only = (prediction: string, reference: string) => scoreAnswers([{ prediction, reference }]).mean;

  it('lie within 0 and 100', () => {
    fc.assert(
      fc.property(text, text, (prediction, reference) => {
        for (const score of Object.values(only(prediction, reference))) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(100);
        }
      }),
    );
  });

  it('of a text against itself are 100', () => {
    fc.assert(
      fc.property(text, (found) => {
        const same = `${found}四个字啊`;
        const { bleu4, rouge1, rougeL } = only(same, same);
        expect(bleu4).toBeCloseTo(100, 9);
        expect(rouge1).toBeCloseTo(100, 5);
        expect(rougeL).toBeCloseTo(100, 5);
      }),
    );
  });

  it('are 0 where a text is empty', () => {
    const zeros = { bleu4: 0, rouge1: 0, rouge2: 0, rougeL: 0 };
    for (const [prediction, reference] of [
      ['', ''],
      ['', '你好'],
      ['你好', ''],
    ] as const) {
      expect(only(prediction, reference)).toEqual(zeros);
    }
    expect(only('\n\u3000', 'a')).toEqual(zeros);
  });

  it('are averaged over rows', () => {
    const pairs = [
      { prediction: '今天天气很好', reference: '今天天气很好' },
      { prediction: '', reference: '今天天气很好' },
    ];
    const { rows, mean } = scoreAnswers(pairs);
    expect(mean.bleu4).toBe(50);
    expect(mean.rougeL).toBe(rows[0]!.rougeL / 2);
  });
});

describe('other scores', () => {
  it('cut words as mteval-v13a does', () => {
    expect(tokenize13a('Yes, 3.14 is "pi"-ish (5-6) &amp; so.')).toEqual(
      'Yes , 3.14 is " pi " -ish ( 5 - 6 ) & so .'.split(' '),
    );
  });

  it('tell word BLEU of a corpus from that of a sentence', () => {
    const short = { prediction: 'the cat sat', reference: 'the cat sat down' };
    const penalty = Math.exp(1 - 4 / 3);
    expect(sentenceWordBleu(short)).toBeCloseTo(100 * penalty, 10);
    // No four words in a row anywhere: a corpus scores 0.
    expect(corpusWordBleu([short])).toBe(0);
    // 3 + 4 of 7 words; 2 + 3 of 5; 1 + 2 of 3; 0 + 1 of 1; 7 words for 8.
    const whole = { prediction: 'a b c d', reference: 'a b c d' };
    expect(corpusWordBleu([short, whole])).toBeCloseTo(100 * Math.exp(1 - 8 / 7), 10);
  });

  it('give hand-worked chrF2 and distinct-n', () => {
    // Characters: 2 of 2 and 2 of 3; pairs: 1 of 1 and 1 of 2; threes: the prediction has none.
    const [precision, recall] = [1, (2 / 3 + 1 / 2) / 2];
    const expected = (100 * 5 * precision * recall) / (4 * precision + recall);
    expect(sentenceChrf({ prediction: 'a b', reference: 'abc' })).toBeCloseTo(expected, 10);
    expect(corpusChrf([{ prediction: 'ab', reference: 'cd' }])).toBe(0);
    // a b a b and a: two words of five, two pairs of three.
    expect(distinct(['a b a b', ' a'], 1)).toBe(40);
    expect(distinct(['a b a b', ' a'], 2)).toBeCloseTo(200 / 3, 10);
    expect(distinct([''], 1)).toBe(0);
  });

  it('lie within 0 and 100', () => {
    const pair = fc.record({ prediction: text, reference: text });
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 3 }), (pairs) => {
        const { rows, ...corpus } = scoreAnswersFurther(pairs);
        for (const score of [...Object.values(corpus), ...rows.flatMap((row) => Object.values(row))]) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(100 + 1e-9);
        }
      }),
    );
  });
});
