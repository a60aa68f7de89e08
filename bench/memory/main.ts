/**
 * Peak memory: of one gradient of a long pair with SmolLM2-135M-Instruct, by the number of layers where they are
 * computed again in the backward pass, and, from what bench:train recorded, of training beside TRL.
 *
 *     npm run bench:memory -- [--short] [--record]
 *
 * `--tokens` (of prompt and response), `--layers`, `--layer-tokens` and `--threads` change the sizes below.
 */
import { wholeNumber } from '../../src/cli/whole-number.ts';
import { openModel, UserError } from '../../src/index.ts';
import { type Measured, measureNode } from '../shared/child.ts';
import { publish, readSizedFlags, runCommand } from '../shared/command.ts';
import { compare } from '../shared/comparison.ts';
import { newest, type Recorded, readHistory } from '../shared/history.ts';
import { describeMachine, type Machine, machineLine, machineSlug, warnIfBusy } from '../shared/machine.ts';
import { table } from '../shared/summary.ts';
import { bytesPerLayer, type LayerMemory, MODES, measureLayers, nameOf } from './layers.ts';
import { HIDDEN } from './random-model.ts';
import type { MemoryReport, MemoryRequest } from './request.ts';

const MODEL = 'smollm2-135m-instruct';
/** Gigabytes that the project promises for a pair of 2 × 2,048 tokens. */
const PROMISED = 2.5;

async function main(): Promise<void> {
  const { sizes, threads, form, record } = readSizedFlags({
    tokens: { full: '2048', short: '256' },
    layers: { full: '4,8,16,32', short: '2,8' },
    'layer-tokens': { full: '2048', short: '512' },
  });
  const tokens = wholeNumber('--tokens', sizes.tokens, 8, 8192);
  const counts = sizes.layers.split(',').map((text) => wholeNumber('--layers', text, 1, 1000));
  if (counts.length < 2) throw new UserError(`--layers ${sizes.layers}: expected two numbers or more`);
  const layerTokens = wholeNumber('--layer-tokens', sizes['layer-tokens'], 128, 8192);
  const machine = describeMachine();
  warnIfBusy(machine);

  // Pulls it where it is missing.
  await openModel(MODEL);
  const prompt = Math.floor(tokens / 4);
  const request: MemoryRequest = {
    ...{ model: MODEL, prompt, response: tokens - prompt, recompute: 'auto', threads },
  };
  const pair = await measureNode<MemoryReport>(new URL('gradient.ts', import.meta.url), request);
  process.stderr.write(`pair of 2 × ${tokens} tokens: ${(pair.peakResidentBytes / 1e9).toFixed(2)} GB\n`);
  const layers = await measureLayers(counts, layerTokens, threads);
  const [kept, again] = MODES.map((mode) => bytesPerLayer(layers, mode) / 1e3) as [number, number];
  const comparisons = [
    compare({
      ...{ name: `pair of 2 × ${tokens} tokens`, against: 'promised', unit: 'GB', better: 'less' },
      ...{ ours: [pair.peakResidentBytes / 1e9], peer: PROMISED },
    }),
    compare({
      ...{ name: 'a token in one further layer, layers computed again', against: 'activations kept' },
      ...{ unit: 'KB', better: 'less', ours: [again], peer: kept },
    }),
  ];
  const trained = newest(await readHistory()).filter(
    (entry) => entry.bench === 'train' && entry.machine === machineSlug(machine) && entry.unit === 'GB',
  );
  const markdown = memoryReport(machine, { request, pair, layers, layerTokens, trained });
  const numbers = { request, pair, layers, layerTokens };
  await publish('memory', machine, { markdown, numbers, comparisons, versions: {}, form, record });
}

interface MemoryNumbers {
  readonly request: MemoryRequest;
  readonly pair: Measured<MemoryReport>;
  readonly layers: readonly LayerMemory[];
  readonly layerTokens: number;
  readonly trained: readonly Recorded[];
}

function memoryReport(
  machine: Machine,
  { request: { prompt, response, threads }, pair, layers, layerTokens, trained }: MemoryNumbers,
): string {
  const gigabytes = (bytes: number | null) => (bytes === null ? '-' : (bytes / 1e9).toFixed(2));
  const peak = pair.peakResidentBytes / 1e9;
  const perLayer = MODES.map(
    (mode) => `${nameOf(mode)} ${(bytesPerLayer(layers, mode) / 1e3).toFixed(2)} KB`,
  );
  return [
    '# Memory',
    `${machineLine(machine)}. ${threads} threads.`,
    `## A pair of 2 × ${prompt + response} tokens`,
    `FPO's gradient, ${MODEL}, LoRA r 8 on q and v; prompt of ${prompt} tokens, responses of ${response}: ` +
      `peak resident ${gigabytes(pair.peakResidentBytes)} GB, mapped weights included; not of mapped files ` +
      `${gigabytes(pair.peakAnonymousBytes)} GB; physical, looked at once a second, ` +
      `${gigabytes(pair.peakPhysicalBytes)} GB; ${pair.seconds.toFixed(1)} s. Promised for 2 × 2,048 are ` +
      `${PROMISED} GB: ${peak <= PROMISED ? 'kept' : 'NOT kept'}.`,
    '## By the number of layers',
    `Random Llama models of hidden size ${HIDDEN}, a pair of ${layerTokens} tokens in all; kilobytes of a token, graph ` +
      'and weights taken off.',
    table(
      ['layers', ...MODES.map(nameOf)],
      layers.map(({ layers: count, bytesPerToken }) => [
        String(count),
        ...MODES.map((mode) => (bytesPerToken[mode] / 1e3).toFixed(1)),
      ]),
    ).trimEnd(),
    `One further layer takes of a token: ${perLayer.join(', ')}. What has to stay is a layer's input, ` +
      `${((4 * HIDDEN) / 1e3).toFixed(2)} KB.`,
    '## Training beside TRL',
    ...(trained.length === 0
      ? ['Not recorded on a machine like this one: `npm run bench:train -- --record`.']
      : [
          table(
            ['', 'ours, GB', 'TRL, GB', 'TRL', 'form'],
            trained.map(({ name, ours, peer, against, form }) => [
              ...[name, ours.toFixed(2), peer.toFixed(2), against, form],
            ]),
          ).trimEnd(),
        ]),
    '',
  ].join('\n\n');
}

await runCommand(main);
