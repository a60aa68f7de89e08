/** Chat completions of the embedded engine, through OpenAI's own client and over plain HTTP. */
import OpenAI, { type APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateText } from '../../src/eval/generate-text.ts';
import { encodePrompt } from '../../src/text/segments.ts';
import { openTinyBackend, startTestService, type TestService } from './service.ts';

let tiny: Awaited<ReturnType<typeof openTinyBackend>>;
let service: TestService;
let client: OpenAI;

beforeAll(async () => {
  tiny = await openTinyBackend();
  service = await startTestService(tiny.backend);
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => service?.end());

const question = (content: string) => [{ role: 'user' as const, content }];
const ASKED = question('What is your refund policy?');

async function direct(content: string, maxNewTokens: number) {
  const { text, engine, endTokens } = tiny.base;
  const prompt = encodePrompt(question(content), text);
  const options = { maxNewTokens, endTokens };
  const [answer] = await generateText(engine, text.tokenizer, [prompt], null, options);
  return { ...answer!, promptTokens: prompt.length };
}

const chat = (more: object) =>
  service.request('/v1/chat/completions', {
    body: { model: 'tiny', messages: ASKED, max_tokens: 8, ...more },
  });

describe('OpenAI’s client', () => {
  it('gets the answer that the engine makes', async () => {
    const expected = await direct('What is your refund policy?', 40);
    const made = await client.chat.completions.create({
      ...{ model: 'tiny', messages: ASKED, temperature: 0, max_completion_tokens: 40 },
    });
    expect(made.choices).toHaveLength(1);
    expect(made.choices[0]).toMatchObject({
      index: 0,
      message: { role: 'assistant', content: expected.text, refusal: null },
      finish_reason: expected.finishReason,
    });
    expect(made.model).toBe('tiny');
    expect(made.usage).toEqual({
      prompt_tokens: expected.promptTokens,
      completion_tokens: expected.tokens,
      total_tokens: expected.promptTokens + expected.tokens,
    });
  });

  it('streams the same, piece by piece, with the usage where it is asked for', async () => {
    const expected = await direct('When do you open?', 40);
    const stream = await client.chat.completions.create({
      ...{ model: 'tiny', messages: question('When do you open?'), temperature: 0, max_tokens: 40 },
      ...{ stream: true as const, stream_options: { include_usage: true } },
    });
    const pieces: string[] = [];
    let usage: OpenAI.CompletionUsage | null | undefined;
    let finish: string | null = null;
    for await (const chunk of stream) {
      pieces.push(chunk.choices[0]?.delta.content ?? '');
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage;
    }
    expect(pieces.join('')).toBe(expected.text);
    expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(3);
    expect(finish).toBe(expected.finishReason);
    expect(usage?.completion_tokens).toBe(expected.tokens);
  });

  it('gets several choices, drawn by the seed alone', async () => {
    const draw = async (seed: number) => {
      const made = await client.chat.completions.create({
        ...{ model: 'tiny', messages: ASKED, n: 3, seed, max_tokens: 16, temperature: 1.5 },
      });
      return made.choices.map(({ message }) => message.content);
    };
    const [first, again, other, negative] = await Promise.all([draw(7), draw(7), draw(8), draw(-7)]);
    expect(first).toHaveLength(3);
    expect(new Set(first).size).toBeGreaterThan(1);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(negative).not.toEqual(first);
  });

  it('draws anew without a seed, at temperature 1', async () => {
    const draw = async () => {
      const made = await client.chat.completions.create({
        model: 'tiny',
        messages: ASKED,
        n: 4,
        max_tokens: 16,
      });
      return made.choices.map(({ message }) => message.content).join('|');
    };
    expect(await draw()).not.toBe(await draw());
  });

  it('stops at a text, which is no part of the answer', async () => {
    const { text } = await direct('What is your refund policy?', 40);
    const stop = text.slice(5, 9);
    const made = await client.chat.completions.create({
      ...{ model: 'tiny', messages: ASKED, temperature: 0, max_tokens: 40, stop: [stop, 'never said'] },
    });
    expect(made.choices[0]).toMatchObject({
      message: { content: text.slice(0, text.indexOf(stop)) },
      finish_reason: 'stop',
    });
  });

  it('lists models, and gets one', async () => {
    const list = await client.models.list();
    expect(list.data.map(({ id }) => id)).toContain('tiny');
    expect(await client.models.retrieve('tiny')).toMatchObject({ id: 'tiny', object: 'model' });
    await expect(client.models.retrieve('another')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
  });

  it('throws its own errors', async () => {
    const wrong = client.chat.completions.create({ model: 'another', messages: ASKED });
    await expect(wrong).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(wrong).rejects.toMatchObject({ code: 'model_not_found', param: 'model' });
    const hot = client.chat.completions.create({ model: 'tiny', messages: ASKED, temperature: 3 });
    await expect(hot).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(hot).rejects.toMatchObject({ param: 'temperature' } satisfies Partial<APIError>);
  });
});

describe('a request', () => {
  it.each([
    ['frequency_penalty', 0.5],
    ['presence_penalty', 1],
    ['logit_bias', { 5: 1 }],
    ['logprobs', true],
    ['top_logprobs', 3],
    ['response_format', { type: 'json_object' }],
    ['tools', [{ type: 'function', function: { name: 'f' } }]],
    ['tool_choice', 'required'],
    ['modalities', ['audio']],
    ['reasoning_effort', 'high'],
    ['prediction', { type: 'content', content: 'x' }],
    ['n', 17],
    ['n', 0],
    ['seed', 1.5],
    ['stop', ''],
    ['stop', ['a', 'b', 'c', 'd', 'e']],
    ['top_p', 2],
    ['max_tokens', 0],
    ['max_completion_tokens', 9],
    ['stream_options', { include_usage: true }],
    ['something_new', 1],
    ['messages', []],
  ])('is refused by the name of %s for what it cannot have', async (name, value) => {
    const response = await chat({ [name]: value });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { param: string; message: string } };
    expect(error).toMatchObject({
      type: 'invalid_request_error',
      param: name === 'max_completion_tokens' ? 'max_tokens' : name,
    });
    expect(error.message).toContain(name === 'max_completion_tokens' ? 'max_tokens' : name);
  });

  it('may say what happens anyway', async () => {
    const anyway = { frequency_penalty: 0, logprobs: false, logit_bias: {}, tools: [], tool_choice: 'none' };
    const noted = {
      user: 'someone',
      metadata: { a: 'b' },
      response_format: { type: 'text' },
      n: null,
      stop: null,
    };
    expect((await chat({ ...anyway, ...noted })).status).toBe(200);
  });

  it('reaches the engine with every setting', async () => {
    const contentOf = async (more: object) => {
      const response = await chat({ temperature: 2, seed: 5, max_tokens: 24, ...more });
      const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
      return choices[0]!.message.content;
    };
    const hot = await contentOf({});
    const greedy = await contentOf({ temperature: 0 });
    expect(hot).not.toBe(greedy);
    for (const narrow of [{ top_k: 1 }, { top_p: 0 }, { top_p: 1e-6 }, { min_p: 1 }]) {
      expect(await contentOf(narrow)).toBe(greedy);
    }
    expect(await contentOf({ temperature: 0, repetition_penalty: 3 })).not.toBe(greedy);
  });

  it('has messages as text or as parts, and roles that the template knows', async () => {
    const content = async (messages: unknown) => {
      const response = await chat({ messages, temperature: 0 });
      return ((await response.json()) as { choices?: { message: object }[] }).choices?.[0]?.message;
    };
    const plain = await content([{ role: 'system', content: 'Be brief.' }, ...ASKED]);
    expect(plain).toBeDefined();
    const parts = [
      { type: 'text', text: 'What is your ' },
      { type: 'text', text: 'refund policy?' },
    ];
    expect(
      await content([
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: parts },
      ]),
    ).toEqual(plain);
    for (const message of [
      { role: 'tool', content: 'x' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://127.0.0.1/' } }] },
      { role: 'user', content: null },
      { role: 'user' },
      { role: 'user', content: 'x', name: 'n' },
      { role: 'assistant', content: 'x', tool_calls: [] },
    ]) {
      expect(await content([message])).toBeUndefined();
    }
  });

  it('cannot pose as another turn', async () => {
    const { tokenizer } = tiny.base.text;
    const token = tokenizer.decode([tokenizer.eosTokenId]);
    const response = await chat({ messages: question(`Hi${token}`) });
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { param: string; message: string } };
    expect(error.param).toBe('messages[0].content');
    expect(error.message).toContain(JSON.stringify(token));
  });

  it('longer than the model’s positions is refused, before the tokenizer works on it for long', async () => {
    const { maxPositions } = tiny.base.model.config;
    for (const words of [maxPositions, 40_000]) {
      const start = performance.now();
      const response = await chat({ messages: question('word '.repeat(words)) });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
      expect(performance.now() - start).toBeLessThan(5000);
    }
    const more = await chat({ max_tokens: 129 });
    expect(await more.json()).toMatchObject({ error: { param: 'max_tokens' } });
  });
});
