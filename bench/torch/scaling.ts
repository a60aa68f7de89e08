/**
 * The torch engine over several ranks on this machine, and what its counters say beside the cost model
 * (cost-model.ts); from it, what larger models would cost.
 *
 *     npm run bench:torch-scaling -- [--rows 32] [--repeats 2] [--record]
 *
 * A rank has one thread, so that two ranks have twice the processor of one. Needs Python; the first run installs torch.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { createTorchEngine, type TorchEngineOptions } from '../../src/engine/torch/index.ts';
import { initialiseAdapter, linearModules, type ModelFolder, openModel, Random } from '../../src/index.ts';
import { type DecoderConfig, parseDecoderConfig } from '../../src/model/config.ts';
import { createObjective } from '../../src/objective/index.ts';
import { writeFileAtomic } from '../../src/support/atomic-file.ts';
import { parseJsonFile } from '../../src/support/json.ts';
import { randomRows } from '../../test/model/tiny.ts';
import { oraclePython } from '../../test/parity/environment.ts';
import { readFlags, runCommand } from '../shared/command.ts';
import { describeMachine, machineLine, machineSlug, warnIfBusy } from '../shared/machine.ts';
import { withScratchFolder } from '../shared/scratch.ts';
import { shown, spread, table } from '../shared/summary.ts';
import { type CostSetting, stepCost } from './cost-model.ts';
import { makeRandomModel } from './cuda.ts';

const LORA = { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'] };
/** About those of the pairs that other measurements take: prompt, chosen and rejected response. */
const LENGTHS = [160, 52, 52] as const;
const MICRO_BATCH = 1024;

const recordSchema = z.object({
  promptLength: z.number(),
  responseLength: z.number(),
  sides: z.array(z.object({ tokensPerSecond: z.object({ median: z.number() }) })),
});

const WAYS = [
  { ranks: 1, parallel: 'ddp' },
  { ranks: 2, parallel: 'ddp' },
  { ranks: 2, parallel: 'fsdp' },
] as const;

async function main(): Promise<void> {
  const flags = readFlags({
    rows: { type: 'string', default: '32' },
    repeats: { type: 'string', default: '2' },
    record: { type: 'boolean', default: false },
  });
  const rows = wholeNumber('--rows', flags.rows, 8, 10_000);
  const repeats = wholeNumber('--repeats', flags.repeats, 1, 100);
  const speed = await recordedSpeed();
  const machine = describeMachine();
  warnIfBusy(machine);
  await withScratchFolder(async (folder) => {
    const { path: tokenizer } = await openModel('smollm2-135m-instruct');
    const path = join(folder, 'small');
    await makeRandomModel({ shape: 'small', dtype: 'float32', folder: path, tokenizer });
    const model = await openModel(path, { weights: 'as-they-are' });
    const lines: string[][] = [];
    let alone = 0;
    for (const way of WAYS) {
      const measured = await measureRanks(model, way, rows, repeats);
      if (way.ranks === 1) alone = measured.tokensPerSecond.median;
      const cost = stepCost({
        ...{ config: model.config, ...way, lora: LORA, microBatchTokens: MICRO_BATCH, bytesPerNumber: 4 },
        tokens: measured.tokens,
      });
      lines.push([
        `${way.ranks} ${way.ranks === 1 ? 'rank' : `ranks, ${way.parallel}`}`,
        shown(measured.tokensPerSecond, 0),
        `${(measured.tokensPerSecond.median / alone).toFixed(2)} ×`,
        ...[measured.summedBytes, cost.summedBytes, measured.gatheredBytes, cost.gatheredBytes].map(
          megabytes,
        ),
        megabytes(measured.sharedBytes),
      ]);
    }
    const head = [
      ...['', 'packed tokens/s: median (spread)', 'of one rank', 'summed, MB a step', 'by the model'],
      ...['gathered, MB a step', 'by the model', 'requests handed on, MB a step'],
    ];
    const markdown = [
      '# The torch engine on several ranks',
      `Llama's shape, ${(stepParameters(model) / 1e6).toFixed(0)} M random parameters in float32; ${rows} pairs a step, ` +
        `prompts of ${LENGTHS[0]} tokens, responses of ${LENGTHS[1]}; a thread for each rank, gloo; ${repeats} steps ` +
        `after the first. ${machineLine(machine)}.`,
      table(head, lines).trimEnd(),
      '## What larger models would cost',
      `A step of ${STEP_TOKENS} packed tokens for each rank, LoRA of rank ${LORA.rank} on queries and values, bfloat16, ` +
        `by the cost model alone: nothing of this table was run. A GPU computes ${(speed / 1e12).toFixed(0)} TFLOP/s, as ` +
        `one did in the recorded run of an 8 B model; links carry ${LINKS.machine / 1e9} GB/s within a machine and ` +
        `${LINKS.network / 1e9} GB/s a GPU between machines.`,
      table(
        LARGER_HEAD,
        LARGER.map((one) => largerLine(one, speed)),
      ).trimEnd(),
      '',
    ].join('\n\n');
    process.stdout.write(markdown);
    if (!flags.record) return;
    const file = new URL(`../results/torch-scaling-${machineSlug(machine)}.md`, import.meta.url);
    await writeFileAtomic(fileURLToPath(file), markdown);
  });
}

interface Measured {
  readonly tokens: number;
  readonly tokensPerSecond: ReturnType<typeof spread>;
  readonly summedBytes: number;
  readonly gatheredBytes: number;
  readonly sharedBytes: number;
}

async function measureRanks(
  model: ModelFolder,
  way: (typeof WAYS)[number],
  count: number,
  repeats: number,
): Promise<Measured> {
  const settings = { device: 'cpu', micro_batch_tokens: MICRO_BATCH, ...way } as const;
  const options: TorchEngineOptions = { settings, threads: way.ranks, python: await oraclePython() };
  const engine = await createTorchEngine(model, options);
  try {
    const adapter = initialiseAdapter(LORA, linearModules(model.config), Random.fromSeed(1));
    const rows = randomRows(
      Array.from({ length: count }, () => LENGTHS),
      model.config.vocabularySize,
      3,
    );
    const request = { rows, adapter, objective: createObjective({ name: 'orpo' }), constants: {} };
    const tokens = count * LENGTHS.reduce((sum, length) => sum + length, 0);
    await engine.gradients(request);
    const before = await engine.counters();
    const speeds: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const start = performance.now();
      await engine.gradients(request);
      speeds.push((1000 * tokens) / (performance.now() - start));
    }
    const after = await engine.counters();
    const perStep = (name: 'summed_bytes' | 'gathered_bytes' | 'shared_bytes') =>
      (after[name] - before[name]) / repeats;
    process.stderr.write(
      `${way.ranks} ranks, ${way.parallel}: ${spread(speeds).median.toFixed(0)} tokens/s\n`,
    );
    return {
      ...{ tokens, tokensPerSecond: spread(speeds) },
      summedBytes: perStep('summed_bytes'),
      gatheredBytes: perStep('gathered_bytes'),
      sharedBytes: perStep('shared_bytes'),
    };
  } finally {
    await engine.close();
  }
}

const STEP_TOKENS = 8192;
/** What was recorded on a GPU, and so what one of that kind computes with everything around it. */
const RECORD = new URL('../results/torch-llama-3.1-8b-nvidia-h100-80gb-hbm3.json', import.meta.url);
/** Bytes a second between two GPUs of a machine, and between machines, in one direction. */
const LINKS = { machine: 2e11, network: 2.5e10 } as const;

const llama = (hidden: number, intermediate: number, layers: number, heads: number, vocabulary: number) =>
  parseDecoderConfig(
    {
      ...{ model_type: 'llama', hidden_size: hidden, intermediate_size: intermediate },
      ...{ num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: 8 },
      ...{ vocab_size: vocabulary, max_position_embeddings: 8192 },
    },
    'shape',
  );

const EIGHT = llama(4096, 14336, 32, 32, 128256);
const SEVENTY = llama(8192, 28672, 80, 64, 128256);

type Larger = Pick<CostSetting, 'config' | 'ranks' | 'parallel' | 'microBatchTokens'> & {
  readonly name: string;
  readonly link: keyof typeof LINKS | null;
};
const larger = (
  name: string,
  config: DecoderConfig,
  ranks: number,
  rest: Partial<Omit<Larger, 'name' | 'config' | 'ranks'>> = {},
): Larger => ({
  ...{ name, config, ranks, parallel: 'fsdp', microBatchTokens: STEP_TOKENS, link: 'machine' },
  ...rest,
});

const LARGER: readonly Larger[] = [
  larger('7 B on one GPU', llama(4096, 14336, 32, 32, 32768), 1, { parallel: 'ddp', link: null }),
  larger('8 B on 8, DDP', EIGHT, 8, { parallel: 'ddp' }),
  larger('8 B on 8, FSDP', EIGHT, 8),
  larger('70 B on 64, FSDP', SEVENTY, 64, { link: 'network' }),
  larger('the same, micro-batches of 2048', SEVENTY, 64, { link: 'network', microBatchTokens: 2048 }),
];

const LARGER_HEAD = [
  ...['', 'weights of a rank, GB', 'activations of a rank, at least, GB', 'operations of a rank, TFLOP'],
  ...['computing, s', 'summed, MB', 'gathered, GB', 'on the wire, s', 'tokens/s of all, packed'],
];

/** Operations a second in the recorded run: of its steps' tokens, those that are left when prompts are shared. */
async function recordedSpeed(): Promise<number> {
  const { promptLength, responseLength, sides } = recordSchema.parse(
    await parseJsonFile(fileURLToPath(RECORD)),
  );
  const share = (promptLength + 2 * responseLength) / (2 * promptLength + 2 * responseLength);
  const packed = share * Math.max(...sides.map(({ tokensPerSecond }) => tokensPerSecond.median));
  const config = llama(4096, 14336, 32, 32, 128256);
  const one = { config, ranks: 1, parallel: 'ddp', lora: LORA, tokens: 1, microBatchTokens: 1 } as const;
  return packed * stepCost({ ...one, bytesPerNumber: 2 }).operations;
}

function largerLine({ name, link, ...setting }: Larger, speed: number): string[] {
  const tokens = STEP_TOKENS * setting.ranks;
  const cost = stepCost({ ...setting, lora: LORA, tokens, bytesPerNumber: 2 });
  const computing = cost.operations / setting.ranks / speed;
  // A ring sum sends what is summed twice; what is gathered arrives once.
  const wire = link === null ? 0 : (2 * cost.summedBytes + cost.gatheredBytes) / LINKS[link];
  // Gathering the next layer goes on while one is computed; the longer of the two counts.
  const seconds = Math.max(computing, wire);
  return [
    name,
    (cost.weightBytes / 1e9).toFixed(1),
    (cost.activationBytes / 1e9).toFixed(1),
    (cost.operations / setting.ranks / 1e12).toFixed(0),
    computing.toFixed(2),
    megabytes(cost.summedBytes),
    (cost.gatheredBytes / 1e9).toFixed(1),
    wire.toFixed(2),
    (tokens / seconds).toFixed(0),
  ];
}

function stepParameters(model: ModelFolder): number {
  return [...model.weights.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}

await runCommand(main);
