import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatTemplate } from '../../src/text/chat-template.ts';
import { writeModelFolder } from './tiny-model.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-template-'));
});
afterEach(() => rm(folder, { recursive: true }));

const hello = [{ role: 'user', content: 'hello' }];
const prompt = { addGenerationPrompt: true };

async function render(config: Record<string, unknown>): Promise<string> {
  await writeModelFolder(folder, { config });
  return (await ChatTemplate.load(folder)).render(hello, prompt);
}

it('reads the template from the configuration, as text or as a list with a default', async () => {
  expect(await render({})).toBe('<bos>[u]hello[a]');
  const list = [
    { name: 'tool_use', template: 'tools' },
    { name: 'default', template: 'default' },
  ];
  expect(await render({ chat_template: list })).toBe('default');
});

it('prefers chat_template.jinja', async () => {
  await writeFile(join(folder, 'chat_template.jinja'), 'own file{{ eos_token }}');
  expect(await render({})).toBe('own file<eos>');
});

it('passes what transformers passes: null tools, special tokens only where the model has them', async () => {
  const chat_template =
    '{{ tools is none }} {{ documents is none }} {{ eos_token }} {{ pad_token is defined }} {{ mask_token is defined }}';
  const pad_token = { content: '<pad>', lstrip: false };
  expect(await render({ chat_template, pad_token })).toBe('true true <eos> true false');
});

describe('the date of today', () => {
  afterEach(() => vi.useRealTimers());
  const at = (date: string) => vi.useFakeTimers({ now: new Date(date), toFake: ['Date'] });

  it('is kept from templates, which write their own then', async () => {
    // As Llama 3.2 asks for it.
    const chat_template =
      '\n{%- if strftime_now is defined %}{%- set date = strftime_now("%d %b %Y") %}' +
      '{%- else %}{%- set date = "26 Jul 2024" %}{%- endif %}{{ date }}';
    for (const date of ['2025-01-01', '2026-02-02']) {
      at(date);
      expect(await render({ chat_template })).toBe('26 Jul 2024');
    }
  });

  it('is refused by name to a template that insists', async () => {
    at('2025-01-01');
    const refused = /refuses this conversation: .*; a date of today \(strftime_now\) is not given/;
    await expect(render({ chat_template: '{{ strftime_now("%Y") }}' })).rejects.toThrow(refused);
  });

  it('is taken away without changing what a template writes', async () => {
    expect(await render({ chat_template: '\n  {{ bos_token }}' })).toBe('\n  <bos>');
  });
});

it('hashes the template and the special tokens', async () => {
  const identities = new Set<string>();
  for (const config of [{}, { chat_template: 'x' }, { bos_token: '<s>' }, { bos_token: null }]) {
    await writeModelFolder(folder, { config });
    identities.add((await ChatTemplate.load(folder)).identity);
  }
  expect(identities.size).toBe(4);
});

describe('what is refused', () => {
  it.each([
    ['a model without a template', null, /no chat template.*chat_template\.jinja/],
    ['a list without a default', [{ name: 'rag', template: 'x' }], /named "default", found "rag"/],
    [
      'a template that does not parse',
      '{% if %}',
      /field "chat_template": the chat template cannot be parsed/,
    ],
    ['a template of another type', 7, /tokenizer_config\.json, field "chat_template"/],
  ])('%s', async (_, chat_template, message) => {
    await writeModelFolder(folder, { config: { chat_template } });
    await expect(ChatTemplate.load(folder)).rejects.toThrow(message);
    await expect(ChatTemplate.load(folder)).rejects.toMatchObject({ exitCode: 2 });
  });

  it('a conversation the template raises on', async () => {
    await writeModelFolder(folder);
    const template = await ChatTemplate.load(folder);
    const render = () => template.render([{ role: 'system', content: 's' }, ...hello], prompt);
    expect(render).toThrow(/refuses this conversation: no system/);
  });
});
