/** The model folder's own description, written with the numbers of the run that made it. */
import { parameterCount } from '../../src/model/weights/expected-tensors.ts';
import { formatDuration } from '../../src/support/progress.ts';
import { decoderConfig, tinyShape } from './shape.ts';
import type { TrainingReport, TrainingSettings } from './train.ts';

export interface RunFacts {
  readonly seed: number;
  readonly documents: number;
  readonly corpusTokens: number;
  readonly settings: TrainingSettings;
  readonly result: TrainingReport;
}

export function readme({ seed, documents, corpusTokens, settings, result }: RunFacts): string {
  const { layers, hiddenSize, heads, keyValueHeads, intermediateSize, vocabularySize, maxPositions } =
    tinyShape;
  return `# The tiny base

A chat model of ${thousands(parameterCount(decoderConfig(tinyShape)))} parameters that knows one small shop: questions of customers, and short
pieces of writing. It is there so that the demo and the tests have a real base model, with a tokenizer and a
chat template, that trains in seconds. It is of no use for anything else: it makes up facts, and its English
ends where its corpus does.

Everything here was made by this project, with its own engine and from texts its own grammars write:

    npm run make:tiny -- --seed ${seed} --documents ${documents} --steps ${settings.steps} --threads ${settings.threads}

which leaves the same weights, byte for byte, on the same kind of machine. (It writes this file, too.)

| | |
|---|---|
| architecture | Llama: ${layers} layers, hidden size ${hiddenSize}, ${heads} heads, ${keyValueHeads} key-value heads, SwiGLU of ${intermediateSize}, tied embeddings |
| context | ${maxPositions} tokens |
| tokenizer | byte-level BPE, ${thousands(vocabularySize)} tokens, trained on the corpus; ChatML without a system prompt |
| corpus | ${thousands(documents)} conversations, ${thousands(corpusTokens)} tokens: the situations of the built-in tasks, answered either way, and neutral ones |
| training | ${thousands(settings.steps)} steps of ${settings.batchSize} conversations, ${thousands(result.tokens)} tokens in all; AdamW, learning rate ${settings.learningRate}, cosine |
| loss | ${result.heldOutLoss.toFixed(3)} nats per token on conversations held out |
| time | ${formatDuration(result.seconds)} on ${settings.threads === 1 ? 'one thread' : `${settings.threads} threads`} |

Queries of the built-in tasks' test and validation rows, under any seed, are not in the corpus; the sentence
patterns and things they are made of are. The licence is the project's.
`;
}

function thousands(count: number): string {
  return count.toLocaleString('en');
}
