/** OpenAI's Python client works with the service as it does with theirs. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTinyBackend, startTestService, type TestService } from '../service/service.ts';
import { oraclePython } from './environment.ts';

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), 'openai_client.py');

let service: TestService;
beforeAll(async () => {
  service = await startTestService((await openTinyBackend()).backend);
});
afterAll(() => service?.end());

it('chats, streams, draws several choices, lists models and raises its own exceptions', async () => {
  const python = await oraclePython('requirements-openai.txt');
  const key = await service.key('chat');
  const { stdout } = await execa(python, [SCRIPT, `${service.url}/v1`, key, 'tiny']);
  const seen = JSON.parse(stdout);
  expect(seen).toMatchObject({
    finish_reason: 'stop',
    streamed: seen.whole,
    usage_of_stream: seen.usage,
    models: ['tiny'],
    no_model: { class: 'NotFoundError', code: 'model_not_found', param: 'model' },
    hot: { class: 'BadRequestError', param: 'temperature' },
    logprobs: { class: 'BadRequestError', param: 'logprobs' },
    refused: 'invalid_api_key',
  });
  expect(seen.whole.length).toBeGreaterThan(10);
  expect(seen.pieces).toBeGreaterThan(3);
  expect(new Set(seen.several).size).toBeGreaterThan(1);
});
