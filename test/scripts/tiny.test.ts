/** The making of models/tiny, at a toy's size: it can be repeated, it learns, and what it leaves can be opened. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corpus } from '../../scripts/tiny/corpus.ts';
import { decoderConfig, type TinyShape, tinyShape } from '../../scripts/tiny/shape.ts';
import { encodeDocument, eosTokenId, specialTokens, writeTextFiles } from '../../scripts/tiny/text-files.ts';
import { pretrain, type TrainingReport } from '../../scripts/tiny/train.ts';
import { builtinTasks } from '../../src/data/builtin/index.ts';
import type { Conversation } from '../../src/data/builtin/neutral/conversation.ts';
import { readBuiltinTask } from '../../src/data/builtin/source.ts';
import { Random } from '../../src/support/random.ts';
import { loadTextModel, type TextModel } from '../../src/text/text-model.ts';

const shape: TinyShape = {
  ...tinyShape,
  hiddenSize: 16,
  intermediateSize: 32,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headSize: 8,
  vocabularySize: 400,
};

let folder: string;
let text: TextModel;
let conversations: readonly Conversation[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-tiny-'));
  conversations = corpus(400, Random.fromSeed(1));
  await writeTextFiles(folder, conversations, shape);
  text = await loadTextModel(folder, shape.vocabularySize);
});
afterAll(() => rm(folder, { recursive: true }));

describe('the corpus', () => {
  it('is decided by its seed, and more of it begins with less of it', () => {
    expect(corpus(100, Random.fromSeed(1))).toEqual(conversations.slice(0, 100));
    expect(corpus(100, Random.fromSeed(2))).not.toEqual(conversations.slice(0, 100));
  });

  it('asks nothing that built-in test and validation rows ask, whatever their seed', () => {
    const sources = builtinTasks.flatMap(({ name }) =>
      [0, 1, 77].flatMap((seed) => [
        `builtin:${name}/test?seed=${seed}`,
        `builtin:${name}/validation?seed=${seed}`,
      ]),
    );
    const queries = new Set(sources.flatMap((source) => readBuiltinTask(source)).map(({ query }) => query));
    const asked = corpus(3000, Random.fromSeed(3)).flatMap(({ messages }) => messages);
    expect(asked.filter(({ content }) => queries.has(content))).toEqual([]);
  });

  it('fits the model', () => {
    const { vocabularySize, maxPositions } = shape;
    for (const conversation of conversations) {
      const document = encodeDocument(conversation, text);
      expect(document.length).toBeLessThanOrEqual(maxPositions);
      expect(Math.max(...document)).toBeLessThan(vocabularySize);
    }
  });
});

describe('a document', () => {
  it('is the template with the answer and the end of its turn', () => {
    const conversation = {
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Hello!' },
        { role: 'user', content: 'Bye' },
      ],
      answer: 'Goodbye.',
    };
    const document = encodeDocument(conversation, text);
    expect(text.tokenizer.decode(document)).toBe(
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n' +
        '<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\nGoodbye.<|im_end|>',
    );
    expect(document.at(-1)).toBe(eosTokenId);
    expect(text.tokenizer.eosTokenId).toBe(eosTokenId);
    expect([...text.tokenizer.encode(specialTokens.join(''))]).toEqual([0, 1, 2]);
  });
});

describe('pretrain', () => {
  async function run(seed: number) {
    const documents = conversations.map((conversation) => encodeDocument(conversation, text));
    const data = { training: documents.slice(0, 300), heldOut: documents.slice(300, 332) };
    const settings = { steps: 12, batchSize: 16, learningRate: 1e-2, threads: 1 };
    const reports: TrainingReport[] = [];
    const config = decoderConfig(shape);
    const report = (state: TrainingReport) => reports.push(state);
    return { weights: await pretrain(config, data, settings, Random.fromSeed(seed), report), reports };
  }

  it('leaves the same weights again, others with another seed, and learns', async () => {
    const [first, second, other] = [await run(0), await run(0), await run(1)];
    expect(second.weights).toEqual(first.weights);
    expect(other.weights).not.toEqual(first.weights);
    expect(first.reports.at(-1)?.step).toBe(12);
    // Guessing costs log 400 = 5.99 nats.
    expect(first.reports.at(-1)?.heldOutLoss).toBeLessThan(5.5);
  });

  it('stops when told to', async () => {
    const stopped = AbortSignal.abort(new Error('enough'));
    const settings = { steps: 1, batchSize: 1, learningRate: 1e-2, threads: 1 };
    const data = { training: [Int32Array.of(1, 2)], heldOut: [Int32Array.of(1, 2)] };
    const work = pretrain(decoderConfig(shape), data, settings, Random.fromSeed(0), () => {}, stopped);
    await expect(work).rejects.toThrow('enough');
  });
});
