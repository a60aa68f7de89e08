/** General ability: drift and loss on neutral conversations, on a model whose divergences are known exactly. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mapAdapter } from '../../src/model/adapter.ts';
import { Random } from '../../src/support/random.ts';
import { loadNeutralRows, measureGeneral } from '../../src/train/neutral.ts';
import { FixedPolicy } from '../../src/train/reference.ts';
import { temporaryFolder, workspace } from './temporary-folder.ts';
import { distribution, ToyEngine, toyModel, toyText } from './toy-engine.ts';
import { runToy, toyConfig } from './toy-stream.ts';

const options = { text: toyText, softTokens: 0, invalidRows: 'error', log: () => {} } as const;

const LETTERS = 'abcdefghij';
const END = 0;

function neutralFile(folder: string, rows: number): string {
  const file = join(folder, 'neutral.json');
  const letter = (at: number) => LETTERS[at % LETTERS.length]!;
  const all = Array.from({ length: rows }, (_, at) => ({ query: letter(at), response: letter(at * 3 + 1) }));
  writeFileSync(file, JSON.stringify(all));
  return file;
}

const measure = async (rows: number, scale: number, maxNewTokens: number) => {
  const folder = temporaryFolder();
  const engine = new ToyEngine();
  const settings = { rows: neutralFile(folder, rows), limit: rows, max_new_tokens: maxNewTokens };
  const neutral = await loadNeutralRows(settings, options);
  const random = Random.fromSeed(1);
  const fresh = toyModel.createAdapter({ rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] }, random);
  const adapter = mapAdapter(fresh, ({ data }) => data.map(() => scale * (2 * random.uniform() - 1)));
  const environment = { engine, text: toyText, ...toyModel, outputFolder: '', cacheFolder: folder };
  const base = await FixedPolicy.open(null, environment);
  const measuring = { engine, endTokens: [END], maxNewTokens, seed: 3, label: 'test' };
  return { neutral, adapter, ...(await measureGeneral(neutral, adapter, base, measuring)) };
};

type Policy = Parameters<typeof distribution>[1];

/** Of answers of at most `length` tokens after a token: expected divergence and expected number of tokens. */
function exactly(previous: number, policy: Policy, length: number): { divergence: number; tokens: number } {
  if (length === 0 || previous === END) return { divergence: 0, tokens: 0 };
  const [own, base] = [distribution(previous, policy), distribution(previous, null)];
  return own.reduce(
    (sum, probability, token) => {
      const rest = exactly(token, policy, length - 1);
      return {
        divergence: sum.divergence + probability * (Math.log(probability / base[token]!) + rest.divergence),
        tokens: sum.tokens + probability * (1 + rest.tokens),
      };
    },
    { divergence: 0, tokens: 0 },
  );
}

describe('drift', () => {
  it('is the divergence from the base per token, as far as draws can tell', async () => {
    const length = 3;
    const { neutral, adapter, scores, drawn } = await measure(1500, 0.6, length);
    const exact = neutral.encoded.map(({ prompt }) => exactly(prompt.at(-1)!, adapter, length));
    const total = (key: 'divergence' | 'tokens') => exact.reduce((sum, row) => sum + row[key], 0);
    const expected = total('divergence') / total('tokens');
    expect(expected).toBeGreaterThan(0.05);

    const tokens = drawn.reduce((sum, row) => sum + row.tokens, 0);
    const squares = drawn.reduce(
      (sum, row) => sum + (row.logp - row.baseLogp - scores.kl * row.tokens) ** 2,
      0,
    );
    const error = Math.sqrt(squares) / tokens;
    expect(error).toBeLessThan(expected / 10);
    expect(Math.abs(scores.kl - expected)).toBeLessThan(3.5 * error);
  });

  it('is nothing for an adapter that adds nothing', async () => {
    const { scores } = await measure(20, 0, 5);
    expect(scores.kl).toBe(0);
    expect(scores.loss).toBe(scores.baseLoss);
  });
});

describe('loss', () => {
  it('is that of the given responses with their ends, by the token', async () => {
    const { neutral, scores, adapter } = await measure(7, 0.6, 2);
    let sum = 0;
    for (const { prompt, chosen } of neutral.encoded) {
      const [answer, end] = chosen;
      sum -=
        Math.log(distribution(prompt.at(-1)!, adapter)[answer!]!) +
        Math.log(distribution(answer!, adapter)[end!]!);
    }
    expect(scores.loss).toBeCloseTo(sum / 14, 10);
    expect(scores.baseLoss).not.toBeCloseTo(scores.loss, 3);
  });
});

describe('a run', () => {
  it('measures both after every task, beside the result matrix', async () => {
    const folder = workspace();
    const rows = neutralFile(folder, 12);
    const summary = await runToy(toyConfig({ general: { rows, limit: 10, max_new_tokens: 4 } }), { folder });
    const record = JSON.parse(readFileSync(join(folder, 'output/tasks/2-high/general.json'), 'utf8'));
    expect(record.loss_rows).toHaveLength(10);
    expect(record.kl_rows.every(({ tokens }: { tokens: number }) => tokens >= 2 && tokens <= 8)).toBe(true);
    expect(summary.general?.kl[1]).toBe(record.kl);
    expect(summary.general?.loss[1]).toBe(record.loss);
    expect(summary.general?.base_loss).toBeCloseTo(record.base_loss, 10);
    const matrix = JSON.parse(readFileSync(join(folder, 'output/matrix.json'), 'utf8'));
    expect(matrix.general).toEqual(summary.general);
  });

  it('refuses rows without a response, naming file, row and field', async () => {
    const folder = workspace();
    const file = join(folder, 'neutral.json');
    writeFileSync(
      file,
      JSON.stringify([
        { query: 'a', response: 'b' },
        { query: 'a', chosen: 'b' },
      ]),
    );
    await expect(runToy(toyConfig({ general: { rows: file } }), { folder })).rejects.toThrow(
      /neutral\.json.*row 2.*field "response"/,
    );
  });

  it('leaves invalid rows out where the config says so, and tells which', async () => {
    const folder = workspace();
    const file = join(folder, 'neutral.json');
    const rows = [{ query: 'a', response: 'b' }, { query: 'c' }, { query: 'd', response: 'e' }];
    writeFileSync(file, JSON.stringify(rows));
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const settings = { rows: file, limit: 5, max_new_tokens: 2 };
    const { indices } = await loadNeutralRows(settings, { ...options, invalidRows: 'skip', log });
    expect(indices).toEqual([0, 2]);
    expect(lines[0]).toMatch(/neutral\.json: row 2 is left out: field "response"/);
    expect(lines[1]).toMatch(/warning: .* only 2 conversations can be used; general\.limit is 5/);
  });

  it('refuses a prompt that would lose its beginning, or leaves no room for an answer', async () => {
    const file = join(workspace(), 'neutral.json');
    for (const length of [58, 70]) {
      writeFileSync(file, JSON.stringify([{ query: 'a'.repeat(length), response: 'b' }]));
      const text = { ...toyText, maxPositions: 60 };
      const settings = { rows: file, limit: 1, max_new_tokens: 4 };
      await expect(loadNeutralRows(settings, { ...options, text })).rejects.toThrow(/no room for its answer/);
    }
  });

  it('takes built-in conversations by name', async () => {
    const settings = { rows: 'builtin:neutral/everyday?seed=2', limit: 5, max_new_tokens: 2 };
    const neutral = await loadNeutralRows(settings, options);
    expect(neutral.indices).toEqual([0, 1, 2, 3, 4]);
  });
});
