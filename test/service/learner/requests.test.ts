/** Whose requests go to a canary, by the embedded engine: a person's, or a conversation's however long it grows. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTinyBackend } from '../service.ts';

const told: string[] = [];
let opened: Awaited<ReturnType<typeof openTinyBackend>>;
beforeAll(async () => {
  opened = await openTinyBackend({ onServed: ({ id }, outcome) => void told.push(`${id} ${outcome}`) });
  const { registry } = opened;
  for (const version of ['v1', 'v2']) registry.publish({ name: 'support', version }, null, { head: false });
  registry.lead('support', 'support@v1');
  registry.divert('support', { id: 'support@v2', share: 0.5, salt: 'salt' });
});
afterAll(() => opened.backend.close());

const call = { client: 'test', signal: new AbortController().signal, leave() {}, async record() {} };

async function ask(contents: readonly string[], more: object = {}): Promise<string> {
  const messages = contents.map((content, at) => ({ role: at % 2 === 0 ? 'user' : 'assistant', content }));
  const body = { model: 'support', messages, max_tokens: 1, temperature: 0, ...more };
  const { response } = await opened.backend.chat(body, call);
  return ((await response.json()) as { model: string }).model;
}

it('a person, and a conversation without one, gets the same version each time', async () => {
  const versions = new Set<string>();
  for (let at = 0; at < 8; at++) {
    const model = await ask([`Hi ${at}`], { user: `person ${at}` });
    expect(await ask(['Bye'], { safety_identifier: `person ${at}` })).toBe(model);
    const conversation = await ask([`Question ${at}`]);
    expect(await ask([`Question ${at}`, 'Answer', 'And then?'])).toBe(conversation);
    versions.add(model).add(conversation);
  }
  expect([...versions].sort()).toEqual(['support@v1', 'support@v2']);
});

it('what is asked of a version by name goes there, and is not counted', async () => {
  told.length = 0;
  expect(await ask(['Hi'], { model: 'support@v2', user: 'a' })).toBe('support@v2');
  expect(told).toEqual([]);
  const model = await ask(['Hi'], { user: 'a' });
  expect(told).toEqual([`${model} answered`]);
});
