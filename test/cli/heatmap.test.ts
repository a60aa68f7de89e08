/** Tables of scores in a terminal: what they say, where colours are used, and whether they can be read. */
import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeOf, scaleColours } from '../../src/cli/colour-scale.ts';
import { demoTables } from '../../src/cli/demo/report.ts';
import type { DemoSummary } from '../../src/cli/demo/run.ts';
import { type Heatmap, heatmap } from '../../src/cli/heatmap.ts';
import { resultTable } from '../../src/cli/result-table.ts';
import { screenOf } from '../../src/cli/screen.ts';
import { sideBySide } from '../../src/cli/side-by-side.ts';
import { summariseMatrix } from '../../src/eval/matrix.ts';
import type { RunSummary } from '../../src/train/results.ts';

const map: Heatmap = {
  title: 'accuracy, %',
  rows: ['after low', 'after high'],
  columns: ['low', 'high'],
  values: [
    [80, null],
    [62.54, 100],
  ],
};
const plain = { colours: false };
const coloured = { colours: true };

/** The background's number in the palette, by the text on it. */
function backgrounds(text: string): Map<string, number> {
  const cells = text.matchAll(/\x1b\[38;5;\d+;48;5;(\d+)m([^\x1b]*)\x1b\[0m/g);
  return new Map(Array.from(cells, ([, colour, shown]) => [shown!.trim(), Number(colour)]));
}

describe('without colours', () => {
  it('numbers are aligned, with one decimal, and a dash for what was not measured', () => {
    expect(heatmap(map, plain)).toBe(
      [
        'accuracy, %', //
        '              low   high',
        'after low    80.0      -',
        'after high   62.5  100.0',
      ].join('\n'),
    );
  });

  it('six tasks of any name and any scores fit 80 columns, with each number whole', () => {
    const name = fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom('a', 'B', '-', '7') });
    const score = fc.option(fc.double({ min: -100, max: 100, noNaN: true }));
    const six = <T>(part: fc.Arbitrary<T>) => fc.array(part, { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(six(name), six(six(score)), (names, values) => {
        const text = heatmap({ title: '', rows: names, columns: names, values }, plain);
        const [, , ...rows] = text.split('\n');
        for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
        expect(rows).toHaveLength(6);
        for (const [at, row] of rows.entries()) {
          const numbers = values[at]!.map((value) =>
            value === null ? '-' : value.toFixed(1).replace(/^-0\.0$/, '0.0'),
          );
          expect(row.split(/\s+/).slice(-6)).toEqual(numbers);
        }
      }),
    );
  });

  it('shortens long names with an ellipsis, and only those', () => {
    const names = ['tone', 'customer-support-policy', 'c', 'd', 'e', 'f'];
    const values = names.map(() => names.map(() => 50));
    const [, head] = heatmap({ title: '', rows: names, columns: names, values }, plain).split('\n');
    expect(head).toMatch(/^ +tone +custome… +c +d +e +f$/);
    const wide = heatmap({ title: '', rows: names, columns: names, values }, { ...plain, width: 200 });
    expect(wide.split('\n')[1]).toMatch(/customer-support-policy/);
  });
});

describe('with colours', () => {
  it('says the same, and explains itself', () => {
    const text = heatmap(map, coloured);
    const lines = text.split('\n');
    expect(stripVTControlCharacters(lines.slice(0, -1).join('\n'))).toBe(heatmap(map, plain));
    expect(stripVTControlCharacters(lines.at(-1)!)).toMatch(/^62\.5 +100\.0$/);
  });

  it('goes from the first colour for the lowest to the last for the highest, and leaves gaps bare', () => {
    const values = [[0, 10, 49.9, 89, 100, null]];
    const text = heatmap(
      { title: '', rows: ['r'], columns: ['a', 'b', 'c', 'd', 'e', 'f'], values },
      coloured,
    );
    const of = backgrounds(text.split('\n')[2]!);
    const [first, last] = [scaleColours[0], scaleColours.at(-1)];
    expect([...of]).toEqual([
      ['0.0', first],
      ['10.0', first],
      ['49.9', scaleColours[4]],
      ['89.0', last],
      ['100.0', last],
    ]);
  });

  it('takes a range from outside, so that several tables can be compared', () => {
    const of = (range: Heatmap['range']) =>
      backgrounds(heatmap({ ...map, ...(range ? { range } : {}) }, coloured).split('\n')[2]!).get('80.0');
    expect(of({ low: 0, high: 80 })).toBe(scaleColours.at(-1));
    expect(of({ low: 80, high: 200 })).toBe(scaleColours[0]);
    expect(of({ low: 90, high: 200 })).toBe(scaleColours[0]);
  });

  it('needs neither different values nor any', () => {
    const one = { title: '', rows: ['r'], columns: ['a'] };
    expect(backgrounds(heatmap({ ...one, values: [[50]] }, coloured)).get('50.0')).toBe(scaleColours.at(-1));
    expect(heatmap({ ...one, values: [[null]] }, coloured)).not.toMatch(/NaN|Infinity|undefined/);
    expect(rangeOf([])).toEqual({ low: 0, high: 0 });
  });

  it('leaves further columns bare: they are on other scales', () => {
    const further = { columns: ['BWT'], values: [[], [-17.46]] };
    const text = heatmap({ ...map, further }, coloured);
    expect(text).toMatch(/ {2}-17\.5$/m);
    expect([...backgrounds(text).keys()]).not.toContain('-17.5');
    expect(text.split('\n').at(-1)).toContain('62.5');
  });
});

describe('the colours', () => {
  /** Of the palette's colour cube: 16 + 36 r + 6 g + b, each of six levels. [xterm, 256colres.h] */
  function luminance(colour: number): number {
    const levels = [0, 95, 135, 175, 215, 255];
    const [r, g, b] = [36, 6, 1].map((place) => levels[Math.floor((colour - 16) / place) % 6]! / 255);
    const linear = (part: number) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r!) + 0.7152 * linear(g!) + 0.0722 * linear(b!);
  }

  it('grow steadily lighter', () => {
    const shades = scaleColours.map(luminance);
    expect(shades).toEqual([...shades].sort((a, b) => a - b));
    expect(new Set(shades).size).toBe(shades.length);
  });

  it('carry text with the contrast that WCAG 2.1 asks of small print, 4.5 to 1', () => {
    const steps = Array.from(scaleColours, (_, at) => at);
    const names = steps.map(String);
    const text = heatmap({ title: '', rows: ['r'], columns: names, values: [steps] }, coloured);
    const pairs = [...text.split('\n')[2]!.matchAll(/38;5;(\d+);48;5;(\d+)m/g)];
    expect(pairs).toHaveLength(scaleColours.length);
    for (const [, foreground, background] of pairs) {
      const [darker, lighter] = [Number(foreground), Number(background)].map(luminance).sort((a, b) => a - b);
      expect((lighter! + 0.05) / (darker! + 0.05)).toBeGreaterThanOrEqual(4.5);
    }
  });
});

describe('colours are used', () => {
  const terminal = { isTTY: true, columns: 120 };
  const pipe = {};
  const xterm = { TERM: 'xterm-256color' };

  it.each([
    ['on a terminal with 256', terminal, xterm, true],
    ['not on one with 16', terminal, { TERM: 'xterm' }, false],
    ['not on a dumb one', terminal, { TERM: 'dumb' }, false],
    ['not with NO_COLOR', terminal, { ...xterm, NO_COLOR: '1' }, false],
    ['not in a pipe', pipe, xterm, false],
    ['in a pipe with FORCE_COLOR', pipe, { FORCE_COLOR: '1' }, true],
    ['not with FORCE_COLOR=0', terminal, { ...xterm, FORCE_COLOR: '0' }, false],
  ])('%s', (_, stream, env, expected) => {
    expect(screenOf(stream, env).colours).toBe(expected);
  });

  it("and the width is the stream's, or 80", () => {
    expect(screenOf(terminal, xterm).width).toBe(120);
    expect(screenOf(pipe, xterm).width).toBe(80);
  });
});

describe('blocks', () => {
  it('stand beside each other where there is room, whatever colours they have', () => {
    const blocks = ['aa\n\x1b[1mb\x1b[0m', 'c\nddd\ne'];
    expect(sideBySide(blocks, 9)).toBe('aa    c\n\x1b[1mb\x1b[0m     ddd\n      e');
    expect(sideBySide(blocks, 8)).toBe('aa\n\x1b[1mb\x1b[0m\n\nc\nddd\ne');
  });
});

describe("a run's result table", () => {
  it('has the base, a row per task and the summary, in colours too', () => {
    const matrix = [
      [60, null],
      [50.25, 90],
    ];
    const summary = {
      tasks: ['low', 'high'],
      preference_accuracy: { base: [40, 30], ...summariseMatrix(matrix) },
    } as unknown as RunSummary;
    const text = resultTable(summary, { colours: false, width: 80 });
    expect(text).toBe(
      [
        'preference accuracy, %',
        '                  low  high',
        'before training  40.0  30.0',
        'after low        60.0     -',
        'after high       50.3  90.0',
        'Last 70.1   BWT -9.8   AP 65.1',
      ].join('\n'),
    );
    const lines = stripVTControlCharacters(resultTable(summary, { colours: true, width: 80 })).split('\n');
    expect(lines.toSpliced(5, 1).join('\n')).toBe(text);
  });
});

describe("the demo's tables", () => {
  const tasks = ['empathy', 'facts', 'voice'];
  const scores = (offset: number) =>
    summariseMatrix([
      [50 + offset, null, null],
      [51 + offset, 60 + offset, null],
      [52 + offset, 61.5 + offset, 70 + offset],
    ]);
  const method = (offset: number) => ({
    seconds: 1,
    preference_accuracy: scores(offset),
    judge: scores(offset + 10),
  });
  const summary: DemoSummary = {
    base: 'tiny',
    seed: 0,
    seconds: 3,
    tasks,
    before: { preference_accuracy: [40, 41, 42], judge: [1, 2, 3] },
    methods: { lifealign: method(0), er: method(1), seqft: method(9.5) },
  };

  it("have every score of before, each method's diagonal, last row and sums, and the whole matrices", () => {
    const text = demoTables(summary, { colours: false, width: 80 });
    expect(text).toMatch(/^before training +40\.0 +41\.0 +42\.0$/m);
    expect(text).toMatch(/^LifeAlign, when learned +50\.0 +60\.0 +70\.0$/m);
    expect(text).toMatch(/^LifeAlign, at the end +52\.0 +61\.5 +70\.0 +61\.2 +1\.8 +55\.6$/m);
    expect(text).toMatch(/^ER, at the end +63\.0 +72\.5 +81\.0 +72\.2 +1\.8 +66\.6$/m);
    expect(text).toMatch(/^ER: preference accuracy after each task, %\n.*\nempathy +51\.0 +- +-$/m);
  });

  it('give equal scores of different methods equal colours, side by side where there is room', () => {
    const text = demoTables(summary, { colours: true, width: 200 });
    const matrices = text.slice(text.indexOf('LifeAlign: preference accuracy'));
    expect(matrices.split('\n')[0]).toMatch(/^LifeAlign: .* ER: .* SeqFT: /);
    // In the middle of LifeAlign's scores, and the lowest but two of SeqFT's.
    const all = [...matrices.matchAll(/48;5;(\d+)m\s*(\d+\.\d)\x1b/g)];
    const cells = all.filter(([, , score]) => score === '61.5');
    expect(cells.length).toBeGreaterThan(1);
    expect(new Set(cells.map(([, colour]) => colour)).size).toBe(1);
  });
});
