/**
 * Whether a GPU computes what the processor does: log-probs, gradients and answers of a small random model in float32,
 * by each kind of attention there, beside segments on the processor.
 */
import { join } from 'node:path';
import type { Engine, GradientResult, RowLogProbs } from '../../src/engine/engine.ts';
import { createTorchEngine } from '../../src/engine/torch/index.ts';
import { initialiseAdapter, linearModules, openModel, Random } from '../../src/index.ts';
import { mapAdapter } from '../../src/model/adapter.ts';
import { createObjective } from '../../src/objective/index.ts';
import { randomRows } from '../../test/model/tiny.ts';
import { table } from '../shared/summary.ts';
import { makeRandomModel } from './cuda.ts';

/** Lengths of prompt, chosen and rejected response: ragged, some beyond a block of FlexAttention. */
const LENGTHS = [
  [1, 1, 2],
  [150, 60, 45],
  [40, 3, 200],
  [300, 129, 128],
] as const;

const ON_GPU = [
  ['flex', 512],
  ['segments', 512],
] as const;
/** FlexAttention has no backward pass on the processor. */
const DRY = [['segments', 128]] as const;

export interface Agreement {
  readonly name: string;
  /** The most that one log-prob differs, relative. */
  readonly logProbs: number;
  /** The most that one matrix's gradient differs, in L2, relative. */
  readonly gradients: number;
  readonly loss: number;
  readonly sameAnswers: boolean;
}

/** @param device where it is computed beside the processor */
export async function measureAgreement(
  folder: string,
  tokenizer: string,
  device: 'cpu' | 'cuda',
): Promise<readonly Agreement[]> {
  const path = join(folder, 'small');
  await makeRandomModel({ shape: 'small', dtype: 'float32', folder: path, tokenizer });
  const model = await openModel(path, { weights: 'as-they-are' });
  const random = Random.fromSeed(8);
  const lora = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj', 'down_proj'] };
  const fresh = initialiseAdapter(lora, linearModules(model.config), random);
  const adapter = mapAdapter(fresh, ({ data }) => data.map(() => 0.04 * random.uniform() - 0.02));
  const rows = randomRows(LENGTHS, 49_152, 2);
  const prompts = rows.map(({ prompt }) => prompt);
  const request = { rows, adapter, objective: createObjective({ name: 'orpo' }), constants: {} };
  const outcome = async (engine: Engine) => {
    try {
      const base = await engine.score(rows, null);
      const answers = await engine.generate(prompts, adapter, { maxNewTokens: 16, stopTokens: [] });
      return { base, answers: JSON.stringify(answers), ...(await engine.gradients(request)) };
    } finally {
      await engine.close();
    }
  };
  const reference = await outcome(await createTorchEngine(model, { settings: { device: 'cpu' } }));
  const found: Agreement[] = [];
  for (const [attention, tokens] of device === 'cuda' ? ON_GPU : DRY) {
    const settings = { device, attention, micro_batch_tokens: tokens };
    const one = await outcome(await createTorchEngine(model, { settings }));
    found.push({
      name: `${attention}, micro-batches of ${tokens} tokens`,
      logProbs: Math.max(distance(one.base, reference.base), distance(one.logps, reference.logps)),
      gradients: gradientDistance(one, reference),
      loss: Math.abs(one.loss / reference.loss - 1),
      sameAnswers: one.answers === reference.answers,
    });
  }
  return found;
}

export function agreementTable(agreements: readonly Agreement[]): string {
  return table(
    [
      'float32, the device beside the processor',
      'log-probs, at most',
      'gradients, at most',
      'loss',
      'answers',
    ],
    agreements.map(({ name, logProbs, gradients, loss, sameAnswers }) => [
      name,
      ...[logProbs, gradients, loss].map((value) => value.toExponential(1)),
      sameAnswers ? 'the same' : 'others',
    ]),
  );
}

function distance(a: RowLogProbs, b: RowLogProbs): number {
  const relative = (x: Float64Array, y: Float64Array) =>
    Math.max(...Array.from(x, (value, at) => Math.abs(value / y[at]! - 1)));
  return Math.max(relative(a.chosen, b.chosen), relative(a.rejected, b.rejected));
}

function gradientDistance(a: GradientResult, b: GradientResult): number {
  const norm = (values: Float32Array) => Math.hypot(...values);
  return Math.max(
    ...Array.from(b.gradients, ([name, expected]) => {
      const values = a.gradients.get(name)!;
      return norm(expected.map((value, at) => values[at]! - value)) / norm(expected);
    }),
  );
}
