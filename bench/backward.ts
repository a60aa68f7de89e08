/**
 * The backward pass in 8-bit integers beside the exact one: how alike the gradients of real rows are, and how much
 * faster they come. SmolLM2-135M-Instruct, DPO, LoRA r 8 on q and v with B away from zero, effective batches.
 *
 *     npx tsx bench/backward.ts -- [--sets a,b] [--batches 4] [--batch-size 8] [--threads N] [--record]
 */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { wholeNumber } from '../src/cli/whole-number.ts';
import type { Engine } from '../src/engine/engine.ts';
import { type Adapter, mapAdapter } from '../src/model/adapter.ts';
import { initialiseAdapter } from '../src/model/lora-modules.ts';
import { createObjective } from '../src/objective/index.ts';
import { Random } from '../src/support/random.ts';
import type { EncodedRow } from '../src/text/encoded-row.ts';
import { encodeRows } from '../src/text/segments.ts';
import { openBaseModel } from '../src/train/base-model.ts';
import { benchmarkRows } from '../test/parity/benchmark-data.ts';
import { publish, readFlags, runCommand } from './shared/command.ts';
import { compare as compareNumbers } from './shared/comparison.ts';
import { describeMachine, machineLine, warnIfBusy } from './shared/machine.ts';
import { shown, spread, table } from './shared/summary.ts';

const BASE = 'smollm2-135m-instruct';
const LONGEST = 700;
const objective = createObjective({ name: 'dpo' });

type Gradients = ReadonlyMap<string, Float32Array>;

/** Over all matrices together. */
function cosine(one: Gradients, other: Gradients): number {
  let [product, squares, others] = [0, 0, 0];
  for (const [name, values] of one) {
    values.forEach((value, at) => {
      const second = other.get(name)![at]!;
      product += value * second;
      squares += value * value;
      others += second * second;
    });
  }
  return product / Math.sqrt(squares * others);
}

interface Compared {
  readonly cosine: number;
  readonly tokensPerSecond: { readonly float32: number; readonly int8: number };
}

async function compare(engine: Engine, rows: readonly EncodedRow[], adapter: Adapter): Promise<Compared> {
  // The policy as its own reference: every pair weighs alike.
  const { chosen, rejected } = await engine.score(rows, adapter);
  const constants = { reference_chosen: chosen, reference_rejected: rejected };
  const timed = async (backward: 'float32' | 'int8') => {
    let tokens = 0;
    const start = performance.now();
    const request = { rows, adapter, objective, constants, backward };
    const { gradients } = await engine.gradients(request, { onProgress: (count) => (tokens += count) });
    return { gradients, tokensPerSecond: (1000 * tokens) / (performance.now() - start) };
  };
  const [float32, int8] = [await timed('float32'), await timed('int8')];
  return {
    cosine: cosine(float32.gradients, int8.gradients),
    tokensPerSecond: { float32: float32.tokensPerSecond, int8: int8.tokensPerSecond },
  };
}

async function main(): Promise<void> {
  const flags = readFlags({
    sets: { type: 'string', default: 'hh-rlhf-helpful-base,safe-rlhf' },
    batches: { type: 'string', default: '4' },
    'batch-size': { type: 'string', default: '8' },
    threads: { type: 'string', default: String(availableParallelism()) },
    record: { type: 'boolean', default: false },
  });
  const batches = wholeNumber('--batches', flags.batches, 1, 1000);
  const size = wholeNumber('--batch-size', flags['batch-size'], 1, 1000);
  const threads = wholeNumber('--threads', flags.threads, 1, 1024);
  const machine = describeMachine();
  warnIfBusy(machine);
  const warn = (message: string) => void process.stderr.write(`${message}\n`);
  const { engine, modules, text } = await openBaseModel(BASE, { threads, warn });
  const random = Random.fromSeed(0);
  const fresh = initialiseAdapter({ rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] }, modules, random);
  const adapter = mapAdapter(fresh, ({ data }, name) =>
    name.includes('lora_B') ? data.map(() => 0.01 * (2 * random.uniform() - 1)) : data,
  );
  const results: { readonly set: string; readonly compared: readonly Compared[] }[] = [];
  for (const set of flags.sets.split(',')) {
    const options = {
      file: set,
      maxLength: LONGEST,
      invalidRows: 'skip',
      limit: (batches + 1) * size,
    } as const;
    const { encoded } = encodeRows(await benchmarkRows(set), text, options);
    const compared: Compared[] = [];
    for (let batch = 0; batch <= batches; batch++) {
      const one = await compare(engine, encoded.slice(batch * size, (batch + 1) * size), adapter);
      // The first makes graphs and 8-bit copies.
      if (batch > 0) compared.push(one);
      process.stderr.write(`${set}: batch ${batch} of ${batches}\n`);
    }
    results.push({ set, compared });
  }
  await engine.close();
  const rows = results.map(({ set, compared }) => {
    const speed = (of: 'float32' | 'int8') => compared.map(({ tokensPerSecond }) => tokensPerSecond[of]);
    const ratios = compared.map(({ tokensPerSecond: { float32, int8 } }) => int8 / float32);
    const cosines = spread(compared.map((one) => one.cosine));
    return [
      set,
      `${cosines.median.toFixed(4)} (least ${cosines.least.toFixed(4)})`,
      shown(spread(speed('float32'))),
      shown(spread(speed('int8'))),
      `${spread(ratios).median.toFixed(2)} (${spread(ratios).least.toFixed(2)} to ${spread(ratios).most.toFixed(2)})`,
    ];
  });
  const head = [
    'rows',
    'cosine of gradients',
    'float32, tokens/s',
    'int8, tokens/s',
    'int8 is ... times as fast',
  ];
  const about = `Gradients of ${batches} effective batches of ${size} pairs, ${threads} threads; a prompt counts twice.`;
  const markdown = `${machineLine(machine)}\n\n${about}\n\n${table(head, rows)}`;
  await publish('backward', machine, {
    markdown,
    numbers: { batches, size, threads, results },
    comparisons: results.map(({ set, compared }) =>
      compareNumbers({
        ...{ name: `${set}: int8 backward pass`, against: 'float32', unit: 'tokens/s', better: 'more' },
        ours: compared.map(({ tokensPerSecond }) => tokensPerSecond.int8),
        peer: compared.map(({ tokensPerSecond }) => tokensPerSecond.float32),
      }),
    ),
    versions: {},
    form: 'full',
    record: flags.record,
  });
}

await runCommand(main);
