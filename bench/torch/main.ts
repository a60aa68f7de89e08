/**
 * The torch engine in bfloat16 beside TRL's DPOTrainer in its bfloat16 settings, on one machine and the same rows:
 * both compute with the same torch, so what differs is how batches are laid out and what is computed of them.
 *
 *     npm run bench:torch -- [--set hh-rlhf-helpful-base] [--rows 48] [--repeats 3] [--record]
 *     npm run bench:torch -- --device cuda [--shapes smollm2-1.7b,llama-3.1-8b] [--rows 320] ...
 *
 * The second is on a GPU, with random weights (cuda.ts), after a comparison of what it computes with the processor
 * (agreement.ts). There `--tokenizer` names the folder whose tokenizer reads the rows (SmolLM2-135M-Instruct's where it
 * is left out), `--trl 4,8,16` pairs of TRL's forward passes, `--liger 8` the same with Liger's kernels, `--ours
 * flex:8192,segments:8192` attention and micro-batches, and `--dry` does the same on the processor, for trying it out.
 *
 * Tokens are those of prompt and response of both sides of every pair, a shared prompt counted twice.
 */
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { openModel, UserError } from '../../src/index.ts';
import { BENCHMARK } from '../../test/parity/benchmark-data.ts';
import { oraclePython } from '../../test/parity/environment.ts';
import { type Measured, measureNode } from '../shared/child.ts';
import { publish, readFlags, runCommand } from '../shared/command.ts';
import { compare } from '../shared/comparison.ts';
import { Journal } from '../shared/journal.ts';
import { describeMachine, machineLine, warnIfBusy } from '../shared/machine.ts';
import { measureRounds, type Side } from '../shared/rounds.ts';
import { withScratchFolder } from '../shared/scratch.ts';
import { shown, speedUps, summariseSide, table } from '../shared/summary.ts';
import { type OurRequest, RECIPE, type TrainingReport, type TrlSettings } from '../training/request.ts';
import { describeSettings, measureTrl } from '../training/trl.ts';
import { prepareWorkload, type Workload } from '../training/workload.ts';
import { agreementTable, measureAgreement } from './agreement.ts';
import { measureCuda, type OurSettings, publishCuda, type Shape, shapes } from './cuda.ts';

const OURS = new URL('../training/ours.ts', import.meta.url);
const ENGINE = 'engine={name: torch, dtype: bfloat16, device: cpu, micro_batch_tokens: 1024}';

/** Memory is no object: references once, no activation computed again. */
const TRL_SETTINGS: readonly TrlSettings[] = (['bfloat16', 'bfloat16 weights'] as const).flatMap(
  (precision) =>
    [1, 4].map((batchSize) => ({
      precision,
      batchSize,
      precomputeReference: true,
      gradientCheckpointing: false,
    })),
);

async function main(): Promise<void> {
  const flags = readFlags({
    set: { type: 'string', default: 'hh-rlhf-helpful-base' },
    rows: { type: 'string', default: '48' },
    repeats: { type: 'string', default: '3' },
    data: { type: 'string', default: BENCHMARK },
    resume: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    device: { type: 'string', default: 'cpu' },
    shapes: { type: 'string', default: 'smollm2-1.7b' },
    tokenizer: { type: 'string' },
    trl: { type: 'string', default: '4,8,16' },
    ours: { type: 'string', default: 'flex:8192,segments:8192' },
    liger: { type: 'string', default: '' },
    'no-agreement': { type: 'boolean', default: false },
    dry: { type: 'boolean', default: false },
  });
  if (flags.device === 'cuda') return onGpu(flags);
  const rows = wholeNumber('--rows', flags.rows, RECIPE.effectiveBatch, 100_000);
  const repeats = wholeNumber('--repeats', flags.repeats, 1, 100);
  const { set, data } = flags;
  const threads = availableParallelism();
  const machine = describeMachine();
  warnIfBusy(machine);
  // The measured processes inherit it.
  process.env['LIFEALIGN_PYTHON'] = await oraclePython();
  const model = await openModel('smollm2-135m-instruct');
  const journal = await Journal.open('torch', { machine, rows, set, data }, flags.resume);
  await withScratchFolder(async (folder) => {
    const workload = await prepareWorkload({
      model,
      set,
      data,
      rows,
      epochs: 1,
      folder: join(folder, 'rows'),
    });
    const sides: readonly Side<TrainingReport>[] = [
      { name: 'lifealign, engine torch, bfloat16', measure: () => measureOurs(workload, threads) },
      ...TRL_SETTINGS.map((settings) => ({
        name: `TRL: ${describeSettings(settings)}`,
        measure: () => measureTrl(workload, settings, threads),
      })),
    ];
    const results = await measureRounds(set, sides, { repeats, units: workload.tokens, journal });
    const summaries = sides.map(({ name }, at) => summariseSide(name, workload.tokens, results[at]!));
    const ratios = speedUps(summaries);
    const rowsOfTable = summaries.map(({ name, tokensPerSecond, startSeconds }, at) => [
      name,
      shown(tokensPerSecond),
      at === 0 ? '' : `${ratios[at]!.toFixed(2)}× as fast`,
      shown(startSeconds),
      results[at]![0]!.steps[0]!.loss.toFixed(4),
    ]);
    const markdown = [
      `# Training through the torch engine beside TRL: ${set}`,
      `SmolLM2-135M-Instruct, ${rows} pairs once, effective batch ${RECIPE.effectiveBatch}, ${threads} threads, ` +
        `${repeats} interleaved repeats, every measurement a process. ${machineLine(machine)}.`,
      table(
        ['', 'tokens/s: median (spread)', 'the torch engine is', 'start and load, s', 'first loss'],
        rowsOfTable,
      ).trimEnd(),
      '',
    ].join('\n\n');
    const numbers = { set, rows, repeats, threads, sides: summaries };
    const perSecond = results.map((side) => side.map(({ seconds }) => workload.tokens / seconds));
    const comparisons = sides.slice(1).map(({ name }, at) =>
      compare({
        ...{ name: `${set}: engine torch, ${name}`, against: name, unit: 'tokens/s', better: 'more' },
        ...{ ours: perSecond[0]!, peer: perSecond[at + 1]! },
      }),
    );
    const versions = Object.assign({}, ...results.map(([first]) => first!.versions));
    const publication = { markdown, numbers, comparisons, versions, record: flags.record };
    await publish('torch', machine, { ...publication, form: 'custom' });
  });
}

async function onGpu(flags: {
  readonly set: string;
  readonly rows: string;
  readonly repeats: string;
  readonly data: string;
  readonly shapes: string;
  readonly trl: string;
  readonly ours: string;
  readonly tokenizer?: string | undefined;
  readonly liger: string;
  readonly 'no-agreement': boolean;
  readonly dry: boolean;
  readonly resume: boolean;
  readonly record: boolean;
}): Promise<void> {
  const { set, data } = flags;
  const rows = wholeNumber('--rows', flags.rows, 3 * RECIPE.effectiveBatch, 100_000);
  const repeats = wholeNumber('--repeats', flags.repeats, 1, 100);
  const threads = availableParallelism();
  const device = flags.dry ? 'cpu' : 'cuda';
  const tokenizer = flags.tokenizer ?? (await openModel('smollm2-135m-instruct')).path;
  const ours = flags.ours.split(',').map((one): OurSettings => {
    const [attention, tokens = ''] = one.split(':');
    if (attention !== 'flex' && attention !== 'segments') {
      throw new UserError(`--ours ${one}: expected flex:TOKENS or segments:TOKENS`);
    }
    return { attention, microBatchTokens: wholeNumber('--ours', tokens, 1, 1_000_000) };
  });
  const names = flags.shapes.split(',').filter((one) => one !== '');
  const unknown = names.find((one) => !shapes.includes(one as Shape));
  if (unknown !== undefined)
    throw new UserError(`--shapes ${unknown}: expected some of ${shapes.join(', ')}`);
  process.env['LIFEALIGN_PYTHON'] = await oraclePython();
  const batches = (flag: string, list: string) =>
    list
      .split(',')
      .filter((one) => one !== '')
      .map((one) => wholeNumber(flag, one, 1, RECIPE.effectiveBatch));
  const [trlBatches, ligerBatches] = [batches('--trl', flags.trl), batches('--liger', flags.liger)];
  await withScratchFolder(async (folder) => {
    const agreement = flags['no-agreement']
      ? ''
      : agreementTable(await measureAgreement(folder, tokenizer, device));
    process.stdout.write(`${agreement}\n`);
    for (const shape of names as Shape[]) {
      const journal = await Journal.open(`torch-${shape}`, { rows, set, data, device }, flags.resume);
      const common = {
        set,
        data,
        rows,
        repeats,
        threads,
        ours,
        trlBatches,
        ligerBatches,
        device,
        tokenizer,
      } as const;
      const result = await measureCuda({ ...common, shape, folder, journal });
      const markdown = `${result.markdown}\n${agreement}`;
      await publishCuda({ ...result, markdown }, shape, flags.record);
      await rm(join(folder, shape), { recursive: true });
    }
  });
}

/** With a cache of its own, so that reference log-probs are computed anew. */
function measureOurs({ config }: Workload, threads: number): Promise<Measured<TrainingReport>> {
  return withScratchFolder((folder) => {
    const paths = { config, output: join(folder, 'output'), cache: join(folder, 'cache') };
    const request: OurRequest = { ...paths, overrides: [ENGINE], threads };
    return measureNode(OURS, request);
  });
}

await runCommand(main);
