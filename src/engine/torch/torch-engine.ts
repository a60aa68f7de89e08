/**
 * The engine over a torch worker. The host cuts and packs batches, evaluates objectives and chooses tokens; the
 * worker runs the model. Several calls may be at work: their requests take turns.
 */
import type { Adapter } from '../../model/adapter.ts';
import { basePrecision } from '../../model/base-precision.ts';
import type { ModelFolder } from '../../model/model-folder.ts';
import { UserError } from '../../support/errors.ts';
import { sha256 } from '../../support/hash.ts';
import type { EncodedRow } from '../../text/encoded-row.ts';
import type {
  Backward,
  Engine,
  Generated,
  GenerateOptions,
  GradientRequest,
  GradientResult,
  OpenGeneration,
  RowLogProbs,
  RunOptions,
} from '../engine.ts';
import { generateAnswers, planAnswers } from '../generation/generate.ts';
import { Generation } from '../generation/generation.ts';
import { openGeneration } from '../generation/open.ts';
import type { Responses } from '../packing.ts';
import { checkLengths, emptyLogProbs, normaliser, storeLogProbs } from '../rows.ts';
import { checkSoftTokens } from '../soft-tokens.ts';
import { type Part, partTensors, wavesOf } from './batches.ts';
import { parseCounters, parseReady, type Ready, replyTensor, type WorkerCounters } from './messages.ts';
import { objectiveValue } from './objective-value.ts';
import { RemoteCache, RemoteStep } from './remote-decoding.ts';
import { type Session, withSession } from './session.ts';
import type { TorchSettings } from './settings.ts';
import type { WorkerProcess } from './worker-process.ts';

export class TorchEngine implements Engine {
  readonly identity: string;
  readonly precision: string;
  /** Of Python, torch and transformers. */
  readonly versions: Readonly<Record<string, string>>;
  readonly #model: ModelFolder;
  readonly #worker: WorkerProcess;
  readonly #settings: Pick<TorchSettings, 'micro_batch_tokens'>;
  readonly #ready: Ready;
  readonly #closing = new AbortController();
  readonly #work = new Set<Promise<unknown>>();

  /** @throws {UserError} where the worker has loaded another model than the host sees */
  constructor(
    model: ModelFolder,
    worker: WorkerProcess,
    settings: Pick<TorchSettings, 'micro_batch_tokens'>,
  ) {
    const { vocabularySize: vocabulary, hiddenSize: hidden, layers } = model.config;
    this.#model = model;
    this.#worker = worker;
    this.#settings = settings;
    this.#ready = parseReady(worker.ready, { vocabulary, hidden, layers });
    this.versions = this.#ready.versions;
    this.identity = identityOf(model, this.#ready);
    this.precision = basePrecision(this.#ready.dtype, this.#ready.quantization);
  }

  score(
    rows: readonly EncodedRow[],
    adapter: Adapter | null,
    options: RunOptions = {},
  ): Promise<RowLogProbs> {
    return this.#track(async () => {
      this.#check(rows, adapter, 'pair');
      options.signal?.throwIfAborted();
      const result = emptyLogProbs(rows.length);
      if (rows.length === 0) return result;
      await withSession(this.#worker.connection, 'score', adapter, async (session) => {
        for (const wave of this.#waves(rows, 'pair')) {
          options.signal?.throwIfAborted();
          // Nothing shared between rows: their neighbours are to leave no trace in what is cached of them.
          const logps = await forward(session, wave, 'pair', false);
          store(result, wave, logps, 'pair');
          for (const part of wave) options.onProgress?.(part.unsharedTokenCount);
        }
      });
      return result;
    });
  }

  async checkBackward(backward: Backward): Promise<void> {
    if (backward === 'float32') return;
    throw new UserError(`backward: the torch engine has no ${backward} backward pass; the engine ort has`);
  }

  gradients(request: GradientRequest, options: RunOptions = {}): Promise<GradientResult> {
    return this.#track(async () => {
      const { rows, adapter, objective, backward = 'float32' } = request;
      const { responses } = objective;
      await this.checkBackward(backward);
      this.#check(rows, adapter, responses);
      options.signal?.throwIfAborted();
      const logps = emptyLogProbs(rows.length);
      const weight = 1 / normaliser(request);
      let loss = 0;
      const gradients = await withSession(this.#worker.connection, 'gradients', adapter, async (session) => {
        for (const wave of this.#waves(rows, responses)) {
          options.signal?.throwIfAborted();
          const found = await forward(session, wave, responses, true);
          store(logps, wave, found, responses);
          const value = lossOf(request, wave, logps);
          loss += weight * value.loss;
          const cotangents = value.cotangents.map((one) => one * weight);
          const tensors = { cotangents: { shape: [cotangents.length], data: cotangents } };
          await session.ask({ type: 'backward' }, tensors, 'done', () => {});
          for (const part of wave) options.onProgress?.(part.unsharedTokenCount);
        }
        return session.ask({ type: 'collect' }, {}, 'gradients', (reply) => {
          const all = Array.from(adapter.tensors, ([name, { shape }]) => {
            return [name, replyTensor(reply, name, Float32Array, shape)] as const;
          });
          return new Map(all);
        });
      });
      return { loss, logps, gradients };
    });
  }

  generate(
    prompts: readonly Int32Array[],
    adapter: Adapter | null,
    options: GenerateOptions,
  ): Promise<readonly Generated[]> {
    return this.#track(async () => {
      const { config } = this.#model;
      checkSoftTokens(prompts, adapter, config.vocabularySize);
      const { answers, slots } = planAnswers(prompts, config, options);
      if (answers.length === 0) return [];
      options.signal?.throwIfAborted();
      const signals = [this.#closing.signal, ...(options.signal ? [options.signal] : [])];
      return this.#withGeneration(adapter, slots, (generation) =>
        generateAnswers(answers, generation, signals),
      );
    });
  }

  openGeneration(adapter: Adapter | null, options: Pick<GenerateOptions, 'batchSize'> = {}): OpenGeneration {
    return openGeneration(adapter, options, {
      config: this.#model.config,
      closing: this.#closing.signal,
      lend: (...asked) => this.#track(() => this.#withGeneration(...asked)),
    });
  }

  /** Keys and values live in a session of the worker until the work is done. */
  #withGeneration<T>(
    adapter: Adapter | null,
    slots: number,
    work: (generation: Generation<null, null>) => Promise<T>,
  ): Promise<T> {
    return withSession(this.#worker.connection, 'generate', adapter, (session) => {
      const cache = new RemoteCache();
      const step = new RemoteStep(session, cache, this.#model.config.vocabularySize);
      return work(new Generation(step, cache, slots));
    });
  }

  /** What the worker has done so far, and how much memory that took. */
  counters(): Promise<WorkerCounters & { readonly device: string }> {
    return this.#track(async () => {
      const reply = await this.#worker.connection.request({ type: 'counters' }, {}, 'counters');
      return { ...parseCounters(reply), device: this.#ready.device };
    });
  }

  /** What is under way ends as it does when it is stopped; then the worker's processes do. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the engine was closed'));
    await Promise.allSettled(this.#work);
    await this.#worker.close();
  }

  async #track<T>(work: () => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted();
    const done = work();
    this.#work.add(done);
    try {
      return await done;
    } finally {
      this.#work.delete(done);
    }
  }

  #check(rows: readonly EncodedRow[], adapter: Adapter | null, responses: Responses): void {
    const prompts = rows.map(({ prompt }) => prompt);
    checkSoftTokens(prompts, adapter, this.#model.config.vocabularySize);
    checkLengths(rows, responses, this.#model.config);
  }

  #waves(rows: readonly EncodedRow[], responses: Responses): readonly (readonly Part[])[] {
    const { ranks } = this.#ready;
    return wavesOf(rows, { responses, ranks, microBatchTokens: this.#settings.micro_batch_tokens });
  }
}

/** Log-probs of a request's responses, part after part. */
function forward(
  session: Session,
  wave: readonly Part[],
  responses: Responses,
  sharePrefix: boolean,
): Promise<Float64Array> {
  const tensors = wave.map(({ rows }, part) => partTensors(part, rows, responses, sharePrefix));
  const count = wave.reduce((sum, { rows }) => sum + rows.length, 0) * (responses === 'pair' ? 2 : 1);
  return session.ask(
    { type: 'forward', parts: wave.length },
    Object.assign({}, ...tensors),
    'log_probs',
    (reply) => replyTensor(reply, 'log_probs', Float64Array, [count]),
  );
}

function store(target: RowLogProbs, wave: readonly Part[], logps: Float64Array, responses: Responses): void {
  storeLogProbs(
    target,
    wave.flatMap(({ indices }) => indices),
    logps,
    responses,
  );
}

/** The objective over a request's rows, with its derivatives in the order of their log-probs. */
function lossOf(
  { rows, objective, constants }: GradientRequest,
  wave: readonly Part[],
  logps: RowLogProbs,
): { readonly loss: number; readonly cotangents: Float64Array } {
  const indices = wave.flatMap((part) => part.indices);
  const pick = (values: (index: number) => number) => Float64Array.from(indices, values);
  const value = objectiveValue(objective, {
    chosen: pick((at) => logps.chosen[at]!),
    rejected: pick((at) => logps.rejected[at]!),
    chosenLength: pick((at) => rows[at]!.chosen.length),
    rejectedLength: pick((at) => rows[at]!.rejected.length),
    constants: Object.fromEntries(
      Object.entries(constants).map(([name, values]) => [name, pick((at) => values[at]!)]),
    ),
  });
  const pairs = indices.flatMap((_, at) =>
    objective.responses === 'pair' ? [value.chosen[at]!, value.rejected[at]!] : [value.chosen[at]!],
  );
  return { loss: value.loss, cotangents: Float64Array.from(pairs) };
}

/** How many ranks there are, and what they share out, changes results by no more than rounding. */
function identityOf(model: ModelFolder, { dtype, quantization, device, versions }: Ready): string {
  const kind = device.replace(/:.*/, '');
  const version = (name: string) => versions[name] ?? '';
  // Nothing is added where nothing is quantized: what was identified before there was a choice stays the same.
  const weights = quantization === 'none' ? [] : [quantization, version('bitsandbytes')];
  return `torch:${sha256([model.identity, dtype, kind, version('torch'), version('transformers'), ...weights])}`;
}
