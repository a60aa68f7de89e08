/**
 * Makes models/tiny from nothing: corpus, tokenizer, weights.
 *
 *     npm run make:tiny -- [--steps N] [--documents N] [--seed S] [--threads T] [--output D]
 *
 * The same command on the same machine leaves the same weights, byte for byte. The folder is written at the
 * end: Ctrl-C leaves it as it was.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { interruptible } from '../../src/cli/interrupt.ts';
import type { Conversation } from '../../src/data/builtin/neutral/conversation.ts';
import type { ModelTensors } from '../../src/engine/ort/pretrain.ts';
import { expectedTensors } from '../../src/model/weights/expected-tensors.ts';
import { writeSafetensors } from '../../src/model/weights/safetensors-writer.ts';
import { writeFileAtomic } from '../../src/support/atomic-file.ts';
import { Interrupted, UserError } from '../../src/support/errors.ts';
import { formatDuration } from '../../src/support/progress.ts';
import { Random } from '../../src/support/random.ts';
import { loadTextModel, type TextModel } from '../../src/text/text-model.ts';
import { corpus } from './corpus.ts';
import { readme } from './readme.ts';
import { configFile, decoderConfig, tinyShape } from './shape.ts';
import { encodeDocument, eosTokenId, padTokenId, writeTextFiles } from './text-files.ts';
import { pretrain, type TrainingReport, type TrainingSettings } from './train.ts';

const heldOutDocuments = 512;

const { values: given } = parseArgs({
  options: {
    steps: { type: 'string', default: '2000' },
    documents: { type: 'string', default: '60000' },
    seed: { type: 'string', default: '0' },
    // The order of additions, and so the bytes, depend on it. A second thread would gain nothing: see pretrain.ts.
    threads: { type: 'string', default: '1' },
    output: { type: 'string', default: fileURLToPath(new URL('../../models/tiny', import.meta.url)) },
  },
});

function count(name: 'steps' | 'documents' | 'seed' | 'threads', least: number): number {
  const number = Number(given[name]);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new UserError(`--${name}: expected a whole number of at least ${least}, found "${given[name]}"`);
}

async function make(signal: AbortSignal): Promise<void> {
  const settings: TrainingSettings = {
    steps: count('steps', 1),
    batchSize: 32,
    learningRate: 3e-3,
    threads: count('threads', 1),
  };
  const seed = count('seed', 0);
  const documents = count('documents', 1);
  const folder = given.output;
  const random = Random.fromSeed(seed);
  const config = decoderConfig(tinyShape);

  const conversations = corpus(documents + heldOutDocuments, random.fork('corpus'));
  const text = await trainTextModel(conversations);
  const encoded = conversations.map((conversation) => encodeDocument(conversation, text));
  const longest = encoded.reduce((most, { length }) => Math.max(most, length), 0);
  if (longest > config.maxPositions) throw new Error(`a document has ${longest} tokens`);
  const data = { training: encoded.slice(heldOutDocuments), heldOut: encoded.slice(0, heldOutDocuments) };
  const corpusTokens = data.training.reduce((sum, document) => sum + document.length, 0);
  console.log(`${documents} documents, ${corpusTokens} tokens, the longest has ${longest}`);

  let last: TrainingReport | undefined;
  const report = (state: TrainingReport) => {
    last = state;
    const left = (state.seconds / state.step) * (settings.steps - state.step);
    const speed = (state.tokens / state.seconds).toFixed(0);
    const losses = `loss ${state.loss.toFixed(4)}, held out ${state.heldOutLoss.toFixed(4)}`;
    console.log(
      `step ${state.step} of ${settings.steps}, ${losses}, ${speed} tokens/s, ${formatDuration(left)} left`,
    );
  };
  const weights = await pretrain(config, data, settings, random.fork('training'), report, signal);

  await writeTextFiles(folder, conversations, tinyShape);
  await writeWeights(join(folder, 'model.safetensors'), weights);
  const shape = configFile(tinyShape, { eos: eosTokenId, pad: padTokenId });
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(shape, null, 2)}\n`);
  const facts = { seed, documents, corpusTokens, settings, result: last! };
  await writeFileAtomic(join(folder, 'README.md'), readme(facts));
}

/** As it will be read from the finished folder. */
async function trainTextModel(conversations: readonly Conversation[]): Promise<TextModel> {
  const scratch = await mkdtemp(join(tmpdir(), 'lifealign-make-tiny-'));
  try {
    await writeTextFiles(scratch, conversations, tinyShape);
    return await loadTextModel(scratch, tinyShape.vocabularySize);
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function writeWeights(file: string, weights: ModelTensors): Promise<void> {
  const shapes = expectedTensors(decoderConfig(tinyShape));
  const tensors = Array.from(shapes, ([name, shape]) => ({ name, shape, data: weights.get(name)! }));
  await writeSafetensors(file, tensors, { format: 'pt' });
}

try {
  await interruptible({ reason: 'stopped; nothing was written' }, make);
} catch (error) {
  if (!(error instanceof UserError || error instanceof Interrupted)) throw error;
  console.error(`make:tiny: ${error.message}`);
  process.exitCode = error instanceof UserError ? error.exitCode : 1;
}
