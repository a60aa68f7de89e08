import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJudgeClient } from '../../src/eval/llm-judge/client.ts';
import { mapConcurrently } from '../../src/eval/llm-judge/pool.ts';
import { createRatingJudge } from '../../src/eval/llm-judge/rating-judge.ts';
import { Interrupted } from '../../src/support/errors.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';
import {
  answers,
  clientOf,
  itemOf,
  type JudgeServer,
  rates,
  type ServerReply,
  says,
  startJudgeServer,
} from './llm-judge-server.ts';

const folder = useTemporaryCache();
let server: JudgeServer;

beforeEach(async () => {
  server = await startJudgeServer();
});
afterEach(() => server.close());

async function judging(count: number, settings = {}, options = {}) {
  const test = await clientOf(server, folder(), settings);
  return { ...test, report: createRatingJudge(test.client, 'general').judge(answers(count), options) };
}

describe('retries', () => {
  it.each<[string, ServerReply]>([
    ['a server error', { status: 500, body: 'oops' }],
    ['an overloaded server', { status: 503 }],
    ['throttling', { status: 429, body: { error: { message: 'slow down' } } }],
    ['a body that is cut', { ...rates(7), fault: 'cut' }],
    ['a dropped connection', { fault: 'drop' }],
    ['truncated JSON', { body: '{"choices": [{"message": {"content": "{\\"sco' }],
    ['garbage', { body: '<html>hello</html>' }],
    ['an error with status 200', { body: { error: { message: 'upstream' } } }],
    ['no choices', { body: { choices: [] } }],
    ['a hanging socket', { fault: 'hang' }],
  ])('come over %s', async (_, fault) => {
    server.answer = (_request, count) => (count <= 2 ? fault : rates(6));
    const { report, clock } = await judging(1, { timeout_seconds: 0.1 });
    expect(await report).toMatchObject({ scores: [60], failures: 0, requests: 3 });
    expect(clock.sleeps).toHaveLength(2);
    // Doubled, spread over the upper half: 250 to 500 ms, then 500 to 1000.
    expect(clock.sleeps[0]).toBeGreaterThanOrEqual(250);
    expect(clock.sleeps[0]).toBeLessThanOrEqual(500);
    expect(clock.sleeps[1]).toBeGreaterThanOrEqual(500);
    expect(clock.sleeps[1]).toBeLessThanOrEqual(1000);
  });

  it('lose and double nothing where every third request fails', async () => {
    const faults: ServerReply[] = [{ status: 429 }, { status: 502 }, { fault: 'drop' }, { body: 'x' }];
    server.answer = (request, count) =>
      count % 3 === 0 ? faults[(count / 3) % 4]! : rates((itemOf(request) % 10) + 1);
    const { report } = await judging(40, { concurrency: 6, max_retries: 20 });
    const { scores, requests } = await report;
    expect(scores).toEqual(answers(40).map((_, index) => 10 * ((index % 10) + 1)));
    expect(requests).toBe(server.requests.length);
  });

  it.each([
    ['seconds', () => ({ 'retry-after': '7' }), 7000],
    ['milliseconds', () => ({ 'retry-after': '9', 'retry-after-ms': '1500' }), 1500],
    ['a date', () => ({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() }), 58_000],
  ])(
    'wait as long as the endpoint asks, in %s, and no request starts meanwhile',
    async (_, headers, wait) => {
      server.answer = (_request, count) => (count === 1 ? { status: 429, headers: headers() } : rates(6));
      const { report, clock } = await judging(1);
      expect((await report).scores).toEqual([60]);
      expect(clock.sleeps).toHaveLength(1);
      expect(clock.sleeps[0]).toBeGreaterThanOrEqual(wait);
      expect(clock.sleeps[0]).toBeLessThanOrEqual(wait + 2600);
    },
  );

  it('hold back the other workers too after a Retry-After', async () => {
    const starts: number[] = [];
    const test = await clientOf(server, folder(), { concurrency: 3 });
    server.answer = (_request, count) => {
      starts.push(test.clock.now());
      return count === 1 ? { status: 429, headers: { 'retry-after': '20' } } : { ...rates(5), delay: 10 };
    };
    await createRatingJudge(test.client, 'general').judge(answers(9));
    // Three were under way when the first was throttled; all others come later.
    expect(starts.filter((start) => start < 20_000).length).toBeLessThanOrEqual(3);
    expect(starts).toHaveLength(10);
  });

  it('end with an error that says how to go on, and what was done is not asked again', async () => {
    server.answer = (request) =>
      itemOf(request) === 3 ? { status: 503, body: { error: 'down' } } : rates(6);
    const { report } = await judging(6, { max_retries: 2 });
    await expect(report).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 1,
      message: expect.stringMatching(/HTTP 503: down \(gave up after 3 attempts; replies so far are kept/),
    });
    expect(server.requests).toHaveLength(6);
    server.answer = () => rates(6);
    const again = await judging(6);
    expect(await again.report).toMatchObject({ scores: [60, 60, 60, 60, 60, 60], requests: 3, cached: 3 });
  });

  it('are not made where the endpoint asks to wait too long', async () => {
    server.answer = () => ({ status: 429, headers: { 'retry-after': '3600' } });
    const { report, clock } = await judging(1);
    await expect(report).rejects.toThrow(/asked to wait 36\d\d s/);
    expect(clock.sleeps).toEqual([]);
  });
});

describe('errors no retry helps against', () => {
  it.each<[number, object, RegExp]>([
    [400, { message: 'temperature is not supported' }, /does not accept the request .*temperature is not/],
    [401, { message: 'bad' }, /does not accept the key in LIFEALIGN_JUDGE_API_KEY \(HTTP 401\)/],
    [403, { message: 'not your region' }, /LIFEALIGN_JUDGE_API_KEY \(HTTP 403\): not your region/],
    [404, { message: 'no judge-1' }, /no such model or address; many base URLs end in \/v1 .*no judge-1/],
    [307, {}, /points elsewhere \(HTTP 307\)/],
  ])('HTTP %i ends at once, with exit code 2', async (status, error, message) => {
    server.answer = () => ({ status, body: { error } });
    const { report } = await judging(3);
    await expect(report).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(message) });
    expect(server.requests).toHaveLength(1);
  });

  it('a redirect is not followed: the prompt goes to the endpoint named and to nobody else', async () => {
    const other = await startJudgeServer();
    server.answer = () => ({ status: 307, headers: { location: `${other.url}/chat/completions` } });
    const { report } = await judging(1);
    await expect(report).rejects.toThrow('points elsewhere');
    expect(other.requests).toEqual([]);
    await other.close();
  });

  it('a used-up quota is not throttling', async () => {
    server.answer = () => ({ status: 429, body: { error: { message: 'pay', code: 'insufficient_quota' } } });
    const { report } = await judging(3);
    await expect(report).rejects.toThrow(/quota is used up: pay/);
    expect(server.requests).toHaveLength(1);
  });

  it('nobody at the address ends at once; one who was there is waited for', async () => {
    const gone = await startJudgeServer();
    await gone.close();
    const { client, clock } = await clientOf(gone, folder());
    await expect(createRatingJudge(client, 'general').judge(answers(1))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^the judge at http:.* can't be reached \(ECONNREFUSED\)$/),
    });
    expect(clock.sleeps).toEqual([]);

    const test = await clientOf(server, folder());
    const judge = createRatingJudge(test.client, 'general');
    await judge.judge(answers(1));
    await server.close();
    await expect(judge.judge(answers(2))).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('gave up after 6 attempts'),
    });
    expect(test.clock.sleeps).toHaveLength(5);
  });
});

describe('limits', () => {
  it('of requests stop the run and keep what was done', async () => {
    const { report } = await judging(10, { max_requests: 4, concurrency: 3 });
    await expect(report).rejects.toMatchObject({
      name: 'JudgeLimitReached',
      exitCode: 1,
      message: expect.stringMatching(/max_requests 4, with 4 requests spent; replies so far are kept/),
    });
    expect(server.requests).toHaveLength(4);
    const again = await judging(10);
    expect(await again.report).toMatchObject({ requests: 6, cached: 4 });
  });

  it('of requests count retries, and hold for all judges of a client', async () => {
    server.answer = (_request, count) => (count === 1 ? { status: 500 } : rates(5));
    const { client } = await clientOf(server, folder(), { max_requests: 3 });
    await createRatingJudge(client, 'general').judge(answers(2));
    await expect(createRatingJudge(client, 'hc3').judge(answers(1))).rejects.toThrow('max_requests 3');
    expect(server.requests).toHaveLength(3);
  });

  it('of tokens are never passed, and wait for what is under way to cost less than it might', async () => {
    server.answer = () => ({ ...rates(5), delay: 5 });
    const max_tokens = 6000;
    const { report, client } = await judging(60, { max_tokens, concurrency: 8, max_reply_tokens: 50 });
    await expect(report).rejects.toThrow(/max_tokens 6000, with \d+ tokens spent/);
    const { prompt, reply } = client.spent.tokens;
    expect(prompt + reply).toBe(105 * server.requests.length);
    expect(prompt + reply).toBeLessThanOrEqual(max_tokens);
    // One request more could have passed it: the prompt has a few thousand bytes.
    const most = Buffer.byteLength(server.requests[0]!.prompt) + 200;
    expect(prompt + reply + most).toBeGreaterThan(max_tokens);
    expect(server.mostAtOnce).toBeLessThan(8);
  });

  it('of cost need prices, and count by them', async () => {
    await expect(judging(1, { max_cost: 1 })).rejects.toThrow('judge settings "max_cost": needs prices');
    const settings = { max_cost: 0.01, prices: { prompt: 1, reply: 4 } };
    const { report, client } = await judging(200, settings);
    await expect(report).rejects.toThrow(/max_cost 0.01/);
    expect(client.spent.cost).toBeGreaterThan(0.004);
    expect(client.spent.cost).toBeLessThanOrEqual(0.01);
  });

  it('take the most there can have been where the endpoint does not say', async () => {
    const reply = says('{"score": 5}').body as object;
    server.answer = () => ({ body: { ...reply, usage: undefined } });
    const { report, client, warnings } = await judging(9, { max_tokens: 10_000 });
    await expect(report).rejects.toThrow(/max_tokens/);
    expect(client.spent.tokens.prompt).toBeGreaterThan(1000 * server.requests.length);
    expect(warnings).toEqual([expect.stringContaining('does not say how many tokens')]);
  });
});

describe('limits and requests without a reply', () => {
  it('take a timeout for charged and throttling for free', async () => {
    const faults: ServerReply[] = [{ status: 429 }, { fault: 'hang' }, { status: 503 }];
    server.answer = (_request, count) => faults[count - 1] ?? rates(5);
    const { report, client } = await judging(1, { timeout_seconds: 0.1, max_reply_tokens: 5000 });
    expect(await report).toMatchObject({ scores: [50], requests: 4, tokens: { prompt: 100, reply: 5 } });
    expect(client.spent.tokens.reply).toBe(5000 + 5);
  });
});

describe('the pool', () => {
  it('starts nothing after an error, and waits for what is under way', async () => {
    const started: number[] = [];
    let ended = 0;
    const work = async (item: number) => {
      started.push(item);
      if (item === 1) throw new Error('first');
      await new Promise((resolve) => setTimeout(resolve, 10));
      ended++;
    };
    await expect(mapConcurrently([0, 1, 2, 3, 4, 5], 3, undefined, work)).rejects.toThrow('first');
    expect(started).toEqual([0, 1, 2]);
    expect(ended).toBe(2);
  });
});

describe('pace', () => {
  it('spreads requests evenly over each minute', async () => {
    const test = await clientOf(server, folder(), { requests_per_minute: 30, concurrency: 4 });
    const starts: number[] = [];
    server.answer = () => {
      starts.push(test.clock.now());
      return rates(5);
    };
    await createRatingJudge(test.client, 'general').judge(answers(8));
    for (const [index, start] of starts.entries()) expect(start).toBeGreaterThanOrEqual(2000 * index);
    expect(test.clock.now()).toBe(14_000);
  });
});

describe('an abort', () => {
  it('ends a request under way at once, with its reason, and keeps what was done', async () => {
    const controller = new AbortController();
    const reason = new Interrupted('stopped');
    server.answer = (_request, count) => {
      if (count < 4) return rates(5);
      setTimeout(() => controller.abort(reason), 20);
      return { fault: 'hang' };
    };
    const { report, clock } = await judging(10, {}, { signal: controller.signal });
    await expect(report).rejects.toBe(reason);
    expect(clock.sleeps).toEqual([]);
    expect(server.requests).toHaveLength(4);
    server.answer = () => rates(5);
    const again = await judging(10);
    expect(await again.report).toMatchObject({ requests: 7, cached: 3 });
  });

  it('ends waiting, and one given before ends at the start', async () => {
    const reason = new Interrupted('stopped');
    const controller = new AbortController();
    server.answer = () => {
      setTimeout(() => controller.abort(reason), 5);
      return { status: 503 };
    };
    const { report } = await judging(2, { max_retries: 20 }, { signal: controller.signal });
    await expect(report).rejects.toBe(reason);
    // One that was under way may still arrive.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const sent = server.requests.length;
    const { report: second } = await judging(2, {}, { signal: controller.signal });
    await expect(second).rejects.toBe(reason);
    expect(server.requests).toHaveLength(sent);
  });

  it('ends a back-off in real time', async () => {
    const controller = new AbortController();
    const reason = new Interrupted('stopped');
    server.answer = () => {
      setTimeout(() => controller.abort(reason), 30);
      return { status: 503, headers: { 'retry-after': '30' } };
    };
    const client = await openJudgeClient({
      env: { OPENAI_BASE_URL: server.url, LIFEALIGN_JUDGE_MODEL: 'm' },
      warn: () => {},
    });
    const started = Date.now();
    const judged = createRatingJudge(client, 'general').judge(answers(1), { signal: controller.signal });
    await expect(judged).rejects.toBe(reason);
    expect(Date.now() - started).toBeLessThan(5000);
  });

  it('of one call leaves another, waiting for the same reply, to ask for itself', async () => {
    const controller = new AbortController();
    const { client } = await clientOf(server, folder());
    const judge = createRatingJudge(client, 'general');
    server.answer = (_request, count) => (count === 1 ? { fault: 'hang' } : rates(9));
    const first = judge.judge(answers(1), { signal: controller.signal });
    const second = judge.judge(answers(1));
    setTimeout(() => controller.abort(new Interrupted('stopped')), 30);
    await expect(first).rejects.toThrow('stopped');
    expect((await second).scores).toEqual([90]);
  });
});

describe('a process that is killed', () => {
  const source = (name: string) =>
    JSON.stringify(new URL(`../../src/eval/llm-judge/${name}.ts`, import.meta.url));
  const program = `
    import { openJudgeClient } from ${source('client')};
    import { createRatingJudge } from ${source('rating-judge')};
    const client = await openJudgeClient({ settings: { concurrency: 3 }, warn: console.error });
    await createRatingJudge(client, 'general').judge(JSON.parse(process.env.ITEMS));
  `;

  it('goes on where it was: only what was under way is asked again', async () => {
    const items = answers(30);
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      env: {
        ...process.env,
        LIFEALIGN_JUDGE_BASE_URL: server.url,
        LIFEALIGN_JUDGE_MODEL: 'judge-1',
        ITEMS: JSON.stringify(items),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    server.answer = (request, count) => {
      if (count === 20) child.kill('SIGKILL');
      return rates((itemOf(request) % 10) + 1);
    };
    expect((await once(child, 'exit'))[1]).toBe('SIGKILL');
    const sent = server.requests.length;
    const { client, warnings } = await clientOf(
      server,
      join(process.env['LIFEALIGN_CACHE']!, 'judge-replies'),
    );
    const report = await createRatingJudge(client, 'general').judge(items);
    expect(report.scores).toEqual(items.map((_, index) => 10 * ((index % 10) + 1)));
    expect(report.cached).toBeGreaterThanOrEqual(sent - 3);
    expect(report.requests + report.cached).toBe(30);
    expect(warnings).toEqual([]);
  });
});
