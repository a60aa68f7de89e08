import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJudgeClient } from '../../src/eval/llm-judge/client.ts';
import { meanScore } from '../../src/eval/llm-judge/judge.ts';
import { createRatingJudge } from '../../src/eval/llm-judge/rating-judge.ts';
import type { ProgressFactory } from '../../src/support/progress.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import {
  answers,
  clientOf,
  itemOf,
  type JudgeServer,
  KEY,
  rates,
  says,
  startJudgeServer,
} from './llm-judge-server.ts';

const folder = useTemporaryCache();
let server: JudgeServer;

beforeEach(async () => {
  server = await startJudgeServer();
});
afterEach(() => server.close());

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a rating judge', () => {
  it('scores each answer in its place, ten times the rating', async () => {
    server.answer = (request) => ({ ...rates(itemOf(request) + 1), delay: 10 * (9 - itemOf(request)) });
    const { client, warnings } = await clientOf(server, folder(), { concurrency: 4 });
    const report = await createRatingJudge(client, 'hc3').judge(answers(10));
    expect(report).toEqual({
      scores: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
      refusals: 0,
      failures: 0,
      unscored: [],
      requests: 10,
      cached: 0,
      tokens: { prompt: 1000, reply: 50 },
      cost: null,
    });
    expect(warnings).toEqual([]);
    expect(server.mostAtOnce).toBe(4);
  });

  it('sends model, sampling settings and key, under the names the endpoint takes', async () => {
    const settings = {
      token_parameter: 'max_completion_tokens',
      json_mode: true,
      max_reply_tokens: 64,
    } as const;
    const { client } = await clientOf(server, folder(), settings);
    await createRatingJudge(client, 'general').judge(answers(1));
    const plain = await clientOf(server, folder(), { model: 'other', temperature: null });
    await createRatingJudge(plain.client, 'general').judge(answers(1));
    const [first, second] = server.requests;
    expect(first).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${KEY}` },
      body: {
        model: 'judge-1',
        max_completion_tokens: 64,
        response_format: { type: 'json_object' },
        temperature: 0,
      },
    });
    expect(Object.keys(second!.body).sort()).toEqual(['max_tokens', 'messages', 'model']);
    expect(second!.body.model).toBe('other');
  });

  it('asks once more on a wrong format, and counts refusals and failures without a score', async () => {
    const replies = new Map([
      [0, says('{"score": 8}')],
      [1, says('The score is 8.')],
      [2, says(null, { refusal: 'I will not rate that.' })],
      [3, says('', { finish_reason: 'content_filter' })],
      [4, says("I'm sorry, but I can't rate this.")],
      [5, says('{"sco', { finish_reason: 'length' })],
      [6, { status: 400, body: { error: { message: 'filtered', code: 'content_filter' } } }],
      [7, { status: 400, body: { error: { message: 'too long', code: 'context_length_exceeded' } } }],
      [8, rates(2)],
    ]);
    server.answer = (request) => replies.get(itemOf(request))!;
    const { client } = await clientOf(server, folder());
    const report = await createRatingJudge(client, 'harmless').judge(answers(9));
    expect(report.scores).toEqual([80, null, null, null, null, null, null, null, 20]);
    expect(meanScore(report)).toBe(50);
    expect(report.refusals).toBe(4);
    expect(report.failures).toBe(3);
    expect(report.unscored.map(({ index, kind }) => [index, kind])).toEqual([
      [1, 'failure'],
      [2, 'refusal'],
      [3, 'refusal'],
      [4, 'refusal'],
      [5, 'failure'],
      [6, 'refusal'],
      [7, 'failure'],
    ]);
    expect(report.unscored[4]!.reason).toContain('max_reply_tokens');
    expect(report.requests).toBe(9 + 3);
  });

  it('takes the score of the second reply', async () => {
    server.answer = (_, count) => (count === 1 ? says('Eight.') : rates(8));
    const { client } = await clientOf(server, folder());
    const report = await createRatingJudge(client, 'helpful').judge(answers(1));
    expect(report).toMatchObject({ scores: [80], failures: 0, requests: 2 });
    expect(server.requests[1]!.prompt).toContain('not in that format');
    expect(server.requests[0]!.prompt).not.toContain('not in that format');
  });

  it('has a mean of nothing where nothing was scored', async () => {
    server.answer = () => says('no');
    const { client } = await clientOf(server, folder());
    expect(meanScore(await createRatingJudge(client, 'general').judge(answers(2)))).toBeNull();
    expect(await createRatingJudge(client, 'general').judge([])).toMatchObject({ scores: [], requests: 0 });
  });

  it('says its name and shows its progress', async () => {
    const { client } = await clientOf(server, folder());
    const judge = createRatingJudge(client, 'truthfulqa');
    const seen: unknown[] = [];
    const progress: ProgressFactory = (options) => {
      seen.push(options);
      return { advance: (amount) => seen.push(amount), stop: () => seen.push('stop') };
    };
    await judge.judge(answers(2), { progress });
    expect(seen).toEqual([{ label: 'judge truthfulqa', total: 2, unit: 'answers' }, 1, 1, 'stop']);
    expect(judge.name).toBe('llm:truthfulqa');
    expect(judge.description).toMatch(/judge-1 rates truthfulness/);
  });

  it('counts cost by its prices', async () => {
    const { client } = await clientOf(server, folder(), { prices: { prompt: 2, reply: 10 } });
    const report = await createRatingJudge(client, 'general').judge(answers(3));
    // 3 · (100 · 2 + 5 · 10) / 10⁶
    expect(report.cost).toBeCloseTo(750e-6, 12);
    expect(client.spent).toEqual({ requests: 3, tokens: { prompt: 300, reply: 15 }, cost: report.cost });
  });
});

describe('the cache of replies', () => {
  it('answers a second run without a request, failures and refusals included', async () => {
    server.answer = (request) =>
      [rates(3), says('Three?'), says(null, { refusal: 'No.' })][itemOf(request) % 3]!;
    const first = await clientOf(server, folder());
    const report = await createRatingJudge(first.client, 'capybara').judge(answers(6));
    const sent = server.requests.length;
    expect(sent).toBe(8);
    await server.close();
    const second = await clientOf(server, folder());
    const again = await createRatingJudge(second.client, 'capybara').judge(answers(6));
    expect(again).toEqual({ ...report, requests: 0, cached: sent, tokens: { prompt: 0, reply: 0 } });
    expect(server.requests).toHaveLength(sent);
  });

  it('knows a reply at another address, and not for another model, sampling, task or text', async () => {
    const items = answers(1);
    const ask = async (settings = {}, task: 'hc3' | 'helpful' = 'hc3', judged = items, at = server) => {
      const { client } = await clientOf(at, folder(), settings);
      return (await createRatingJudge(client, task).judge(judged)).requests;
    };
    expect(await ask()).toBe(1);
    const elsewhere = await startJudgeServer();
    expect(await ask({}, 'hc3', items, elsewhere)).toBe(0);
    await elsewhere.close();
    expect(await ask({ token_parameter: 'max_completion_tokens', concurrency: 2 })).toBe(0);
    expect(await ask({ model: 'judge-2' })).toBe(1);
    expect(await ask({ temperature: 0.5 })).toBe(1);
    expect(await ask({ max_reply_tokens: 9 })).toBe(1);
    expect(await ask({ json_mode: true })).toBe(1);
    expect(await ask({}, 'helpful')).toBe(1);
    for (const field of ['query', 'reference', 'answer'] as const) {
      expect(await ask({}, 'hc3', [{ ...items[0]!, [field]: 'other' }])).toBe(1);
    }
    expect(await ask()).toBe(0);
  });

  it('asks equal questions once, at the same time too', async () => {
    server.answer = () => ({ ...rates(4), delay: 20 });
    const { client } = await clientOf(server, folder(), { concurrency: 5 });
    const items = Array.from({ length: 5 }, () => answers(1)[0]!);
    const report = await createRatingJudge(client, 'general').judge(items);
    expect(report).toMatchObject({ scores: [40, 40, 40, 40, 40], requests: 1, cached: 4 });
  });

  it('asks again, with a warning, where an entry is damaged in any way', async () => {
    const { client, warnings } = await clientOf(server, folder());
    const judge = createRatingJudge(client, 'general');
    await judge.judge(answers(1));
    const [path] = await filesOf(folder());
    const whole = await readFile(path!, 'utf8');
    const damages = [
      whole.slice(0, -20),
      '',
      'null',
      whole.replace(/score\\": 7/, 'score\\": 9'),
      whole.replace('"usage"', '"usages"'),
      `${whole}x`,
    ];
    for (const [index, damaged] of damages.entries()) {
      expect(damaged).not.toBe(whole);
      await writeFile(path!, damaged);
      expect(await judge.judge(answers(1))).toMatchObject({ scores: [70], requests: 1 });
      expect(warnings[index]).toMatch(/damaged, the judge is asked again/);
      expect(await readFile(path!, 'utf8')).toBe(whole);
    }
    expect(warnings).toHaveLength(damages.length);
  });

  it('is shared by two runs at a time without harm', async () => {
    server.answer = (request) => ({ ...rates((itemOf(request) % 10) + 1), delay: 2 });
    const runs = await Promise.all([1, 2].map(() => clientOf(server, folder(), { concurrency: 4 })));
    const reports = await Promise.all(
      runs.map(({ client }) => createRatingJudge(client, 'general').judge(answers(30))),
    );
    expect(reports[0]!.scores).toEqual(reports[1]!.scores);
    expect(runs.flatMap(({ warnings }) => warnings)).toEqual([]);
    expect(await filesOf(folder())).toHaveLength(30);
  });

  it('is refused before any request where it cannot be made', async () => {
    await writeFile(join(folder(), 'file'), '');
    await expect(clientOf(server, join(folder(), 'file', 'cache'))).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 2,
    });
  });
});

describe('the key', () => {
  it('is in no error, warning, report, cached file or printed client', async () => {
    const echo = `key ${KEY}`;
    const outputs: string[] = [];
    const replies = [
      says(echo),
      says(null, { refusal: echo }),
      { status: 400, body: { error: { message: `${'x'.repeat(290)} ${KEY}` } } },
      { status: 401, body: { error: { message: echo } } },
      { status: 403, body: { error: echo } },
      { status: 429, body: { error: { message: echo, code: 'insufficient_quota' } } },
      { status: 500, body: { error: { message: echo } } },
      { status: 307, headers: { location: `http://127.0.0.1:1/${KEY}` } },
    ];
    for (const reply of replies) {
      server.answer = () => reply;
      const { client, warnings } = await clientOf(server, folder(), { max_retries: 1 });
      const judge = createRatingJudge(client, 'general');
      const result = await judge.judge(answers(1)).catch((error: Error) => error);
      const shown = inspect([result, client, judge], { depth: 12, showHidden: true });
      outputs.push(shown, JSON.stringify([result, client, judge]), ...warnings);
      for (const path of await filesOf(folder())) outputs.push(path, await readFile(path, 'utf8'));
    }
    expect(server.requests[0]!.headers.authorization).toContain(KEY);
    const text = outputs.join('\n');
    expect(text).toContain('[key]');
    expect(text).not.toContain(KEY);
    expect(text).not.toContain(KEY.slice(0, 12));
  });

  it('that is a placeholder leaves replies as they are', async () => {
    server.answer = () => rates(1);
    const client = await openJudgeClient({
      env: { LIFEALIGN_JUDGE_BASE_URL: server.url, LIFEALIGN_JUDGE_MODEL: 'm', LIFEALIGN_JUDGE_API_KEY: '1' },
      warn: () => {},
    });
    expect((await createRatingJudge(client, 'general').judge(answers(1))).scores).toEqual([10]);
  });
});
