/** The training loop of models/tiny: documents in, weights out. */
import { type ModelTensors, Pretrainer } from '../../src/engine/ort/pretrain.ts';
import type { DecoderConfig } from '../../src/model/config.ts';
import { AdamW } from '../../src/optim/adamw.ts';
import { clipGlobalNorm } from '../../src/optim/clip.ts';
import { scheduleFactor } from '../../src/optim/schedule.ts';
import type { Random } from '../../src/support/random.ts';
import { initialWeights } from './shape.ts';

export interface TrainingSettings {
  readonly steps: number;
  /** Documents per step. */
  readonly batchSize: number;
  readonly learningRate: number;
  readonly threads: number;
}

export interface TrainingReport {
  readonly step: number;
  /** Mean over the steps since the last report, nats per token. */
  readonly loss: number;
  /** On documents that are not trained on. */
  readonly heldOutLoss: number;
  /** In all so far. */
  readonly tokens: number;
  readonly seconds: number;
}

export interface TrainingData {
  readonly training: readonly Int32Array[];
  readonly heldOut: readonly Int32Array[];
}

const warmupRatio = 0.03;
const maxGradNorm = 1;
const stepsPerReport = 50;

/**
 * AdamW with a cosine schedule over shuffled epochs. The same settings, data and seed give the same weights,
 * bit for bit, on the same machine with the same number of threads.
 */
export async function pretrain(
  config: DecoderConfig,
  { training, heldOut }: TrainingData,
  settings: TrainingSettings,
  random: Random,
  report: (state: TrainingReport) => void,
  signal?: AbortSignal,
): Promise<ModelTensors> {
  const { steps, batchSize, threads } = settings;
  const pretrainer = new Pretrainer(config, { threads });
  const optimizer = new AdamW({ beta1: 0.9, beta2: 0.98, weightDecay: 0.05 });
  const batches = endlessBatches(training, batchSize, random.fork('order'));
  const schedule = { name: 'cosine', warmupRatio, totalSteps: steps } as const;
  const start = performance.now();
  let values: ModelTensors = initialWeights(config, random.fork('weights'));
  let tokens = 0;
  let losses: number[] = [];
  try {
    for (let step = 1; step <= steps; step++) {
      const batch = batches.next().value;
      const options = { onProgress: (count: number) => (tokens += count), ...(signal ? { signal } : {}) };
      const result = await pretrainer.gradients(batch, values, options);
      const { gradients } = clipGlobalNorm(result.gradients, maxGradNorm);
      // The schedule's first factor is 0: a step that would move nothing.
      values = optimizer.update(values, gradients, settings.learningRate * scheduleFactor(schedule, step));
      losses.push(result.loss);
      if (step % stepsPerReport === 0 || step === steps) {
        const heldOutLoss = await pretrainer.loss(heldOut, values);
        const seconds = (performance.now() - start) / 1000;
        const loss = losses.reduce((sum, one) => sum + one, 0) / losses.length;
        report({ step, loss, heldOutLoss, tokens, seconds });
        losses = [];
      }
    }
  } finally {
    await pretrainer.close();
  }
  return values;
}

/** Epoch after epoch, each in an order of its own. What is left of an epoch is put before the next one. */
function* endlessBatches(
  documents: readonly Int32Array[],
  size: number,
  random: Random,
): Generator<readonly Int32Array[], never> {
  let waiting: Int32Array[] = [];
  for (let epoch = 0; ; ) {
    while (waiting.length < size) waiting = [...waiting, ...random.fork(`${epoch++}`).shuffle(documents)];
    yield waiting.slice(0, size);
    waiting = waiting.slice(size);
  }
}
