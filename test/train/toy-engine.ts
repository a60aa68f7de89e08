/**
 * A language model small enough to be exact: the next token depends on the one before it alone. Logits are
 * a fixed bigram table plus two LoRA modules over fixed token features, or a fixed matrix times the mean of the soft
 * prompts in front; gradients are worked out by hand here, in float64, and the objective's part of them comes from
 * the reference kernels.
 */
import type {
  Engine,
  Generated,
  GenerateOptions,
  GradientRequest,
  GradientResult,
  OpenGeneration,
  RowLogProbs,
  RunOptions,
} from '../../src/engine/engine.ts';
import { openByCalls } from '../../src/engine/open-generation.ts';
import { checkSoftTokens } from '../../src/engine/soft-tokens.ts';
import {
  type Adapter,
  isPromptPool,
  type LoraSettings,
  loraTensorName,
  SOFT_PROMPTS,
} from '../../src/model/adapter.ts';
import { checkFits } from '../../src/model/adapter-folder.ts';
import { initialiseAdapter, type LinearModule } from '../../src/model/lora-modules.ts';
import { TokenEmbeddings } from '../../src/model/token-embeddings.ts';
import { Random } from '../../src/support/random.ts';
import type { EncodedRow } from '../../src/text/encoded-row.ts';
import type { TextSide } from '../../src/train/environment.ts';
import { evaluateObjective } from '../objective/evaluate-objective.ts';

const VOCABULARY = 12;
const FEATURES = 6;
const END = 0;

const modules: readonly LinearModule[] = ['q_proj', 'v_proj'].map((name) => ({
  path: `model.layers.0.self_attn.${name}`,
  inFeatures: FEATURES,
  outFeatures: VOCABULARY,
}));

const table = (label: string, rows: number, columns: number, scale: number): number[][] => {
  const random = Random.fromSeed(0).fork(label);
  return Array.from({ length: rows }, () =>
    Array.from({ length: columns }, () => (2 * random.uniform() - 1) * scale),
  );
};
const bigrams = table('bigrams', VOCABULARY, VOCABULARY, 1);
const features = modules.map(({ path }) => table(path, VOCABULARY, FEATURES, 1));
const embeddings = table('embeddings', VOCABULARY, FEATURES, 1);
/** From the mean of a row's soft prompts to logits. */
const softToLogits = table('soft to logits', VOCABULARY, FEATURES, 1);

export const toyEmbeddings = new TokenEmbeddings(VOCABULARY, FEATURES, (tokens) =>
  Float32Array.from(Array.from(tokens, (token) => embeddings[token]!).flat()),
);

/** Letters as tokens; what else a text holds does not matter. */
export const toyText: TextSide = {
  identity: { tokenizer: 'letters', template: 'none' },
  maxPositions: 4096,
  endTokens: [END],
  encodeRows(all, { maxLength, limit }) {
    const rows = all.slice(0, limit ?? all.length);
    let cutPrompts = 0;
    const encoded = rows.map((row): EncodedRow => {
      const prompt = tokens(row.prompt.map((message) => message.content).join(''));
      const [chosen, rejected] = [row.chosen, row.rejected].map((text) =>
        Int32Array.of(...tokens(text), END),
      );
      const room = maxLength - Math.max(chosen!.length, rejected!.length);
      if (prompt.length > room) cutPrompts++;
      return { prompt: prompt.slice(-room), chosen: chosen!, rejected: rejected! };
    });
    return { encoded, kept: rows.map((_, position) => position), cutPrompts, skipped: [] };
  },
};

function tokens(text: string): Int32Array {
  return Int32Array.from(text, (letter) => 1 + (letter.charCodeAt(0) % (VOCABULARY - 1)));
}

export const toyModel = {
  createAdapter: (settings: LoraSettings, random: Random) => initialiseAdapter(settings, modules, random),
  checkAdapter: (adapter: Adapter, source: string) =>
    checkFits(adapter, { modules, config: { hiddenSize: FEATURES } }, source),
  embeddings: toyEmbeddings,
};

export interface ToyOptions {
  /** As if the base were held so; it computes the same. */
  readonly precision?: string;
  /** Called before each row of work, as a real engine would have micro-batches. */
  readonly onRow?: (kind: 'score' | 'gradients') => void | Promise<void>;
}

/** What the engine was asked for, in order. */
interface Call {
  readonly kind: 'score' | 'gradients';
  readonly rows: readonly EncodedRow[];
  readonly adapter: Adapter | null;
  readonly request?: GradientRequest;
}

export class ToyEngine implements Engine {
  readonly identity: string;
  readonly precision: string;
  readonly calls: Call[] = [];
  readonly #options: ToyOptions;

  constructor(options: ToyOptions = {}) {
    this.#options = options;
    this.precision = options.precision ?? 'float32';
    this.identity = this.precision === 'float32' ? 'toy' : `toy in ${this.precision}`;
  }

  /** It has no frozen layers: all numbers are exact. */
  async checkBackward(): Promise<void> {}

  async score(rows: readonly EncodedRow[], adapter: Adapter | null, options: RunOptions = {}) {
    this.calls.push({ kind: 'score', rows, adapter });
    return this.#logProbs('score', rows, adapter, 'pair', options);
  }

  async gradients(request: GradientRequest, options: RunOptions = {}): Promise<GradientResult> {
    const { rows, adapter, objective, constants } = request;
    this.calls.push({ kind: 'gradients', rows, adapter, request });
    const logps = await this.#logProbs('gradients', rows, adapter, objective.responses, options);
    const { loss, chosenGradient, rejectedGradient } = evaluateObjective(objective, {
      chosen: [...logps.chosen],
      rejected: [...logps.rejected],
      chosenLength: rows.map((row) => row.chosen.length),
      rejectedLength: rows.map((row) => row.rejected.length),
      constants: Object.fromEntries(Object.entries(constants).map(([name, values]) => [name, [...values]])),
    });
    const sums = new Map(
      Array.from(adapter.tensors, ([name, { data }]) => [name, new Float64Array(data.length)]),
    );
    for (const [at, row] of rows.entries()) {
      const responses =
        objective.responses === 'pair' ? (['chosen', 'rejected'] as const) : (['chosen'] as const);
      for (const response of responses) {
        const weight = (response === 'chosen' ? chosenGradient : rejectedGradient)[at]!;
        addGradient(sums, adapter, row.prompt, row[response], weight);
      }
    }
    const gradients = new Map(Array.from(sums, ([name, sum]) => [name, Float32Array.from(sum)]));
    return { loss, logps, gradients };
  }

  async generate(
    prompts: readonly Int32Array[],
    adapter: Adapter | null,
    { maxNewTokens, stopTokens, temperature = 0, samples = 1, seed = 0, keys, signal }: GenerateOptions,
  ): Promise<readonly Generated[]> {
    if (temperature !== 1) throw new Error('the toy engine draws at temperature 1 only');
    signal?.throwIfAborted();
    checkSoftTokens(prompts, adapter, VOCABULARY);
    return prompts.flatMap((prompt, row) =>
      Array.from({ length: samples }, (_, sample) => {
        const random = Random.fromSeed(seed).fork(`${keys?.[row] ?? row} ${sample}`);
        const tokens = drawTokens(prompt, adapter, random, { maxNewTokens, stopTokens });
        const stopped = stopTokens.includes(tokens.at(-1)!);
        return { tokens: Int32Array.from(tokens), finishReason: stopped ? 'stop' : 'length' } as const;
      }),
    );
  }

  openGeneration(adapter: Adapter | null): OpenGeneration {
    return openByCalls(this, adapter);
  }

  async close(): Promise<void> {}

  async #logProbs(
    kind: Call['kind'],
    rows: readonly EncodedRow[],
    adapter: Adapter | null,
    responses: 'chosen' | 'pair',
    options: RunOptions,
  ): Promise<RowLogProbs> {
    const prompts = rows.map(({ prompt }) => prompt);
    checkSoftTokens(prompts, adapter, VOCABULARY);
    const result = { chosen: new Float64Array(rows.length), rejected: new Float64Array(rows.length) };
    for (const [at, row] of rows.entries()) {
      options.signal?.throwIfAborted();
      await this.#options.onRow?.(kind);
      result.chosen[at] = sequenceLogProb(row.prompt, row.chosen, adapter);
      if (responses === 'pair') result.rejected[at] = sequenceLogProb(row.prompt, row.rejected, adapter);
      const shared = responses === 'pair' ? 2 * row.prompt.length + row.rejected.length : row.prompt.length;
      options.onProgress?.(shared + row.chosen.length);
    }
    return result;
  }
}

function sequenceLogProb(prompt: Int32Array, response: Int32Array, adapter: Adapter | null): number {
  const soft = softMean(prompt, adapter);
  let sum = 0;
  let previous = prompt.at(-1)!;
  for (const token of response) {
    sum += Math.log(distribution(previous, adapter, soft)[token]!);
    previous = token;
  }
  return sum;
}

function drawTokens(
  prompt: Int32Array,
  adapter: Adapter | null,
  random: Random,
  { maxNewTokens, stopTokens }: Pick<GenerateOptions, 'maxNewTokens' | 'stopTokens'>,
): number[] {
  const soft = softMean(prompt, adapter);
  const tokens: number[] = [];
  while (tokens.length < maxNewTokens) {
    const probabilities = distribution(tokens.at(-1) ?? prompt.at(-1)!, adapter, soft);
    let token = 0;
    let left = random.uniform() - probabilities[0]!;
    while (left >= 0 && token < VOCABULARY - 1) left -= probabilities[++token]!;
    tokens.push(token);
    if (stopTokens.includes(tokens.at(-1)!)) break;
  }
  return tokens;
}

/** Over the next token, [vocabulary]; `soft` is the mean of the soft prompts in front. */
export function distribution(
  previous: number,
  adapter: Adapter | null,
  soft: readonly number[] = [],
): number[] {
  const logits = bigrams[previous]!.map((logit, token) =>
    soft.reduce((sum, value, at) => sum + softToLogits[token]![at]! * value, logit),
  );
  for (const module of loraModules(adapter)) {
    const hidden = hiddenOf(module, previous);
    for (let token = 0; token < VOCABULARY; token++) {
      for (let r = 0; r < module.rank; r++) {
        logits[token]! += module.scaling * module.b[token * module.rank + r]! * hidden[r]!;
      }
    }
  }
  const exponentials = logits.map((logit) => Math.exp(logit));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

/** The rows of the adapter's soft prompts that stand in front. */
function softRows(prompt: Int32Array): number[] {
  return [...prompt].filter((token) => token >= VOCABULARY).map((token) => token - VOCABULARY);
}

function softMean(prompt: Int32Array, adapter: Adapter | null): number[] {
  const data = adapter?.tensors.get(SOFT_PROMPTS)?.data;
  const rows = softRows(prompt);
  if (!data || rows.length === 0) return [];
  return Array.from({ length: FEATURES }, (_, at) =>
    rows.reduce((sum, row) => sum + data[row * FEATURES + at]! / rows.length, 0),
  );
}

function loraModules(adapter: Adapter | null) {
  if (!adapter || isPromptPool(adapter)) return [];
  const { rank, alpha } = adapter.settings;
  return modules.flatMap(({ path }, at) => {
    const a = adapter.tensors.get(loraTensorName(path, 'A'))?.data;
    const b = adapter.tensors.get(loraTensorName(path, 'B'))?.data;
    return a && b ? [{ path, rank, scaling: alpha / rank, a, b, features: features[at]! }] : [];
  });
}

type LoraModule = ReturnType<typeof loraModules>[number];

/** A x, [rank]. */
function hiddenOf({ rank, a, features }: LoraModule, token: number): number[] {
  const x = features[token]!;
  return Array.from({ length: rank }, (_, r) =>
    x.reduce((sum, value, feature) => sum + a[r * FEATURES + feature]! * value, 0),
  );
}

/** Adds `weight` · d log-prob / d tensor, token by token: d/dlogits is the one-hot less the distribution. */
function addGradient(
  sums: ReadonlyMap<string, Float64Array>,
  adapter: Adapter,
  prompt: Int32Array,
  response: Int32Array,
  weight: number,
): void {
  const soft = softMean(prompt, adapter);
  const rows = softRows(prompt);
  let previous = prompt.at(-1)!;
  for (const token of response) {
    const toLogits = distribution(previous, adapter, soft).map(
      (p, at) => weight * ((at === token ? 1 : 0) - p),
    );
    for (const row of rows) {
      const gradient = sums.get(SOFT_PROMPTS)!;
      for (let at = 0; at < FEATURES; at++) {
        const slope = toLogits.reduce((sum, value, token) => sum + value * softToLogits[token]![at]!, 0);
        gradient[row * FEATURES + at]! += slope / rows.length;
      }
    }
    for (const module of loraModules(adapter)) {
      const { rank, scaling, b, path } = module;
      const hidden = hiddenOf(module, previous);
      const x = module.features[previous]!;
      const gradientA = sums.get(loraTensorName(path, 'A'))!;
      const gradientB = sums.get(loraTensorName(path, 'B'))!;
      for (let r = 0; r < rank; r++) {
        let toHidden = 0;
        for (let at = 0; at < VOCABULARY; at++) {
          gradientB[at * rank + r]! += scaling * toLogits[at]! * hidden[r]!;
          toHidden += scaling * toLogits[at]! * b[at * rank + r]!;
        }
        for (let feature = 0; feature < FEATURES; feature++) {
          gradientA[r * FEATURES + feature]! += toHidden * x[feature]!;
        }
      }
    }
    previous = token;
  }
}
