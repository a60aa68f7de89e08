/** The service at work: versions swapped under load, clients that leave, a full queue, an end in order. */
import { once } from 'node:events';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { type Adapter, mapAdapter } from '../../src/model/adapter.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { Random } from '../../src/support/random.ts';
import { openTinyBackend, startTestService, type TestService } from './service.ts';

const services: TestService[] = [];
afterEach(async () => {
  for (const service of services.splice(0)) await service.end();
});

async function start(
  options: Parameters<typeof openTinyBackend>[0] = {},
  more: Parameters<typeof startTestService>[1] = {},
) {
  const tiny = await openTinyBackend(options);
  const service = await startTestService(tiny.backend, more);
  services.push(service);
  const client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 });
  const ask = (model: string, max_tokens: number, signal?: AbortSignal) =>
    client.chat.completions.create(
      { model, messages: [{ role: 'user', content: 'When do you open?' }], temperature: 0, max_tokens },
      { ...(signal ? { signal } : {}) },
    );
  return { ...tiny, service, client, ask };
}

/** An adapter that changes what is said. */
function loudAdapter({ base }: Awaited<ReturnType<typeof openTinyBackend>>, seed: number): Adapter {
  const settings = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
  const fresh = initialiseAdapter(settings, base.modules, Random.fromSeed(seed));
  const random = Random.fromSeed(seed);
  return mapAdapter(fresh, ({ data }) => data.map(() => 2 * random.uniform() - 1));
}

const textOf = (made: OpenAI.ChatCompletion) => made.choices[0]!.message.content;

describe('versions', () => {
  it('are swapped under load: no request fails, each is answered by one version', async () => {
    const live = await start({ queue: 200 });
    const { registry, ask } = live;
    const adapters = [1, 2, 3].map((seed) => loudAdapter(live, seed));
    registry.publish({ name: 'support', version: 'v1' }, adapters[0]!);
    const expected = new Map<string, string | null>();
    let answered = 0;
    const client = async () => {
      const made: OpenAI.ChatCompletion[] = [];
      for (let request = 0; request < 5; request++) {
        made.push(await ask('support', 12));
        answered++;
        if (answered === 10) registry.publish({ name: 'support', version: 'v2' }, adapters[1]!);
        if (answered === 20) registry.publish({ name: 'support', version: 'v3' }, adapters[2]!);
      }
      return made;
    };
    const clients = Array.from({ length: 6 }, client);
    const answers = (await Promise.all(clients)).flat();
    expect(answers).toHaveLength(30);
    for (let at = 1; at <= 3; at++) expected.set(`support@v${at}`, textOf(await ask(`support@v${at}`, 12)));
    expect(new Set(expected.values()).size).toBe(3);
    for (const made of answers) expect(textOf(made)).toBe(expected.get(made.model));
    expect((await ask('support', 12)).model).toBe('support@v3');
    expect(new Set(answers.map(({ model }) => model)).size).toBe(3);
  });

  it('of which one cannot be read fail alone', async () => {
    const { registry, ask } = await start();
    registry.publish({ name: 'broken', version: 'v1' }, () => Promise.reject(new Error('/secret/path')));
    const [broken, whole] = await Promise.allSettled([ask('broken', 4), ask('tiny', 4)]);
    expect(broken).toMatchObject({ status: 'rejected', reason: { status: 500 } });
    expect(String((broken as PromiseRejectedResult).reason)).not.toContain('/secret/path');
    expect(whole.status).toBe('fulfilled');
  });
});

const until = async (test: () => boolean) => {
  for (let tries = 0; !test(); tries++) {
    if (tries > 500) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

const LONG = {
  ...{ model: 'tiny', max_tokens: 240, temperature: 0 },
  messages: [{ role: 'user' as const, content: 'Hi' }],
};

describe('a client that leaves', () => {
  it.each([true, false])('gives its slots back (streamed: %s)', async (stream) => {
    const { base, backend, service } = await start({ endless: true, batchSize: 1, maxTokens: 240 });
    const made = countTokens(base.engine, 5);
    const abort = new AbortController();
    const asked = fetch(`${service.url}/v1/chat/completions`, {
      ...{ method: 'POST', signal: abort.signal, body: JSON.stringify({ ...LONG, stream }) },
      headers: { 'content-type': 'application/json' },
    }).then(async (response) => response.text());
    const failed = expect(asked).rejects.toThrow();
    await until(() => made.tokens > 3);
    abort.abort();
    await failed;
    await until(() => backend.load().running === 0);
    expect(made.tokens).toBeLessThan(200);
  });

  it('while it waits is forgotten', async () => {
    const { base, backend, client } = await start({ endless: true, batchSize: 1, maxTokens: 240 });
    const made = countTokens(base.engine, 5);
    const [first, abort] = [new AbortController(), new AbortController()];
    const asked = [first, abort].map(({ signal }) =>
      expect(client.chat.completions.create(LONG, { signal })).rejects.toThrow('aborted'),
    );
    await until(() => backend.load().waiting === 1 && made.tokens > 3);
    abort.abort();
    await until(() => backend.load().waiting === 0);
    expect(backend.load().running).toBe(1);
    first.abort();
    await Promise.all(asked);
  });
});

/** Counts what an engine makes from now on, and makes it take so many milliseconds a token. */
function countTokens(engine: Engine, milliseconds: number): { tokens: number } {
  const made = { tokens: 0 };
  const { openGeneration } = engine;
  vi.spyOn(engine, 'openGeneration').mockImplementation((...given) => {
    const open = openGeneration.apply(engine, given);
    return {
      ...open,
      generate: (prompts, options) =>
        open.generate(prompts, {
          ...options,
          onToken: (...token) => {
            made.tokens++;
            const end = performance.now() + milliseconds;
            while (performance.now() < end);
            return options.onToken?.(...token) === true;
          },
        }),
    };
  });
  return made;
}

it('a full queue is told with the seconds to wait, and works off what it took', async () => {
  const { service } = await start({ batchSize: 1, queue: 2 });
  const body = { model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 20 };
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => service.request('/v1/chat/completions', { body })),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(12 - refused.length);
  for (const response of refused) {
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await response.json()).toMatchObject({ error: { code: 'rate_limit_exceeded' } });
  }
});

it('many clients at once are all answered', async () => {
  const { ask } = await start({ queue: 100 });
  const answers = await Promise.all(Array.from({ length: 64 }, () => ask('tiny', 4)));
  expect(new Set(answers.map(textOf)).size).toBe(1);
});

it('an answer that takes too long is given up', async () => {
  const { service, ask } = await start({}, { answerTimeout: 1 });
  await expect(ask('tiny', 100)).rejects.toMatchObject({ status: 504, code: 'timeout' });
  expect((await service.request('/healthz')).status).toBe(200);
});

describe('the end', () => {
  it('finishes what is at work and takes nothing new', async () => {
    const { service, ask, backend } = await start({ batchSize: 1 });
    const asked = [ask('tiny', 60), ask('tiny', 60)];
    await until(() => backend.load().waiting === 1);
    const stopped = service.stop(60_000);
    await expect(ask('tiny', 4)).rejects.toThrow();
    const made = await Promise.all(asked);
    expect(made.map(textOf)[0]).toBe(made.map(textOf)[1]);
    await stopped;
    await expect(service.request('/healthz')).rejects.toThrow();
  });

  it('does not wait for connections on which nothing was asked', async () => {
    const { service } = await start();
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    const begun = performance.now();
    await Promise.all([service.stop(60_000), once(socket, 'close')]);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('breaks off at its deadline what is not done, and says so', async () => {
    const { base, service, client, backend } = await start({ endless: true, batchSize: 1, maxTokens: 240 });
    countTokens(base.engine, 5);
    const stream = await client.chat.completions.create({ ...LONG, stream: true });
    const read = (async () => {
      for await (const _ of stream);
    })();
    const failed = expect(read).rejects.toThrow('the service has ended');
    await until(() => backend.load().running === 1);
    await service.stop(1);
    await failed;
  });
});
