/** A local stand-in for an OpenAI-compatible endpoint. How it answers, and misbehaves, is set by each test. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type JudgeClient, openJudgeClient } from '../../src/eval/llm-judge/client.ts';
import type { Clock } from '../../src/eval/llm-judge/clock.ts';
import type { JudgedAnswer } from '../../src/eval/llm-judge/judge.ts';
import type { LlmJudgeSettingsInput } from '../../src/eval/llm-judge/settings.ts';

export const KEY = 'sk-secret-0123456789abcdef';

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: the body of a request, read by tests.
  readonly body: any;
  /** Of all messages, joined. */
  readonly prompt: string;
}

export interface ServerReply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Milliseconds before anything is sent. */
  readonly delay?: number;
  /** `hang`: nothing is ever sent; `cut`: the connection ends within the body; `drop`: before the head. */
  readonly fault?: 'hang' | 'cut' | 'drop';
}

export type Answering = (request: SeenRequest, count: number) => ServerReply;

export interface JudgeServer {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** The most requests under way at a time. */
  readonly mostAtOnce: number;
  answer: Answering;
  close(): Promise<void>;
}

export const rates = (score: number): ServerReply => says(`{"score": ${score}}`);

export function says(content: string | null, extra: Record<string, unknown> = {}): ServerReply {
  const { finish_reason = 'stop', ...message } = extra;
  return {
    body: {
      choices: [{ index: 0, message: { role: 'assistant', content, ...message }, finish_reason }],
      usage: { prompt_tokens: 100, completion_tokens: 5, total_tokens: 105 },
    },
  };
}

export async function startJudgeServer(): Promise<JudgeServer> {
  const requests: SeenRequest[] = [];
  let underWay = 0;
  let mostAtOnce = 0;
  const http = createServer(async (request, response) => {
    mostAtOnce = Math.max(mostAtOnce, ++underWay);
    response.on('close', () => underWay--);
    const body = JSON.parse(await readBody(request));
    const prompt = body.messages.map(({ content }: { content: string }) => content).join('\n');
    const seen = { path: request.url ?? '', headers: request.headers, body, prompt };
    requests.push(seen);
    await send(response, server.answer(seen, requests.length));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`,
    requests,
    get mostAtOnce() {
      return mostAtOnce;
    },
    answer: (): ServerReply => rates(7),
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  } as JudgeServer;
  return server;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function send(response: ServerResponse, reply: ServerReply): Promise<void> {
  if (reply.delay) await wait(reply.delay);
  if (reply.fault === 'hang') return;
  if (reply.fault === 'drop') return void response.destroy();
  const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {});
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
  if (reply.fault !== 'cut') return void response.end(text);
  response.write(text.slice(0, text.length / 2));
  await wait(20);
  response.destroy();
}

/** Time passes only in sleeps, and those take none; they are listed. Who sleeps at a time wakes in order. */
export function instantClock(): Clock & { readonly sleeps: number[] } {
  let now = 0;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now,
    async sleep(milliseconds, signal) {
      const end = now + milliseconds;
      await wait(0);
      signal.throwIfAborted();
      sleeps.push(milliseconds);
      now = Math.max(now, end);
    },
  };
}

export interface TestClient {
  readonly client: JudgeClient;
  readonly clock: ReturnType<typeof instantClock>;
  readonly warnings: string[];
}

export async function clientOf(
  server: Pick<JudgeServer, 'url'>,
  cacheFolder: string,
  settings: LlmJudgeSettingsInput = {},
): Promise<TestClient> {
  const clock = instantClock();
  const warnings: string[] = [];
  const client = await openJudgeClient({
    settings: { concurrency: 1, ...settings },
    env: {
      LIFEALIGN_JUDGE_BASE_URL: server.url,
      LIFEALIGN_JUDGE_MODEL: 'judge-1',
      LIFEALIGN_JUDGE_API_KEY: KEY,
    },
    cacheFolder,
    clock,
    warn: (message) => warnings.push(message),
  });
  return { client, clock, warnings };
}

export function answers(count: number): JudgedAnswer[] {
  return Array.from({ length: count }, (_, index) => ({
    query: `What is ${index} plus one?`,
    reference: `It is ${index + 1}.`,
    answer: `I say ${index + 1}, item ${index}.`,
  }));
}

/** The number in `answers` that a request is about. */
export function itemOf({ prompt }: SeenRequest): number {
  return Number(/item (\d+)\./.exec(prompt)?.[1]);
}
