/**
 * The tokenizers and chat templates against Python's `tokenizers` and jinja2: oracle/
 * make_tokenizer_fixture.py made the fixture and says what its digests cover.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Message } from '../../src/data/row.ts';
import { ChatTemplate } from '../../src/text/chat-template.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';
import { cachedSmolLM2, LLAMA, QWEN } from './model-folders.ts';

interface Fixture {
  readonly strings: readonly string[];
  readonly tokenizers: Readonly<Record<string, { ids: string[]; decoded: string[]; decoded_half: string[] }>>;
  readonly conversations: readonly Message[][];
  readonly rendered: Readonly<Record<string, readonly { prompt: string; closed: string }[]>>;
  readonly smollm2_config: object;
}

const fixture = JSON.parse(
  readFileSync(new URL('fixtures/tokenizer-parity.json', import.meta.url), 'utf8'),
) as Fixture;

const smollm2 = await cachedSmolLM2();
if (smollm2 === undefined) {
  process.stderr.write("SmolLM2's tokenizer is skipped: no converted GGUF of it in the model cache\n");
}

function digest(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 12);
}

function littleEndian(ids: Int32Array): Uint8Array {
  const bytes = Buffer.alloc(ids.length * 4);
  for (const [index, id] of ids.entries()) bytes.writeInt32LE(id, index * 4);
  return bytes;
}

describe.each([
  ['qwen2.5', QWEN],
  ['llama-3.1', LLAMA],
  ['smollm2', smollm2],
])("%s against Python's tokenizers", (name, folder) => {
  it.skipIf(folder === undefined)('encodes and decodes 1,000 hostile strings alike', async () => {
    const tokenizer = await Tokenizer.load(folder ?? '');
    const expected = fixture.tokenizers[name];
    expect(fixture.strings).toHaveLength(1000);
    const wrong = fixture.strings.filter((text, index) => {
      const ids = tokenizer.encode(text);
      const half = ids.subarray(0, ids.length >> 1);
      return (
        digest(littleEndian(ids)) !== expected?.ids[index] ||
        digest(tokenizer.decode(ids)) !== expected.decoded[index] ||
        digest(tokenizer.decode(half)) !== expected.decoded_half[index]
      );
    });
    expect(wrong).toEqual([]);
  });
});

describe('chat templates against jinja2', () => {
  let smollm2Template: string;
  beforeAll(async () => {
    smollm2Template = await mkdtemp(join(tmpdir(), 'lifealign-template-'));
    await cp(join(QWEN, 'tokenizer.json'), join(smollm2Template, 'tokenizer.json'));
    await writeFile(join(smollm2Template, 'tokenizer_config.json'), JSON.stringify(fixture.smollm2_config));
  });
  afterAll(() => rm(smollm2Template, { recursive: true }));

  it.each([
    ['qwen2.5', () => QWEN],
    ['llama-3.1', () => LLAMA],
    ['smollm2', () => smollm2Template],
  ])('%s', async (name, folder) => {
    const template = await ChatTemplate.load(folder());
    const rendered = fixture.conversations.map((messages) => ({
      prompt: template.render(messages, { addGenerationPrompt: true }),
      closed: template.render(messages, { addGenerationPrompt: false }),
    }));
    expect(rendered).toEqual(fixture.rendered[name]);
  });
});
