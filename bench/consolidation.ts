/**
 * What consolidation costs at the size of a large model's adapter: r 8 on q and v of 32 layers with 4,096 inputs and
 * 4,096 and 1,024 outputs (Llama 3.1 8B), after so many earlier stages. Random numbers, module after module; one thread.
 *
 *     npx tsx bench/consolidation.ts [-- --stages 10,50] [--layers 32] [--record]
 */
import { performance } from 'node:perf_hooks';
import { wholeNumber } from '../src/cli/whole-number.ts';
import { consolidationSpaces } from '../src/memory/consolidate.ts';
import { consolidateAdapter, MemoryHistory } from '../src/memory/consolidate-adapter.ts';
import { type LoraAdapter, loraTensorName, mapAdapter } from '../src/model/adapter.ts';
import { Random } from '../src/support/random.ts';
import { publish, readFlags, runCommand } from './shared/command.ts';
import { describeMachine, machineLine, warnIfBusy } from './shared/machine.ts';
import { table } from './shared/summary.ts';

const RANK = 8;
const INPUTS = 4096;
const modules = { q_proj: 4096, v_proj: 1024 };

function adapter(target: keyof typeof modules, random: Random): LoraAdapter {
  const path = `model.layers.0.self_attn.${target}`;
  const values = (count: number) =>
    Float32Array.from({ length: count }, () => 0.02 * (2 * random.uniform() - 1));
  const outputs = modules[target];
  return {
    settings: { rank: RANK, alpha: 2 * RANK, targets: [target] },
    tensors: new Map([
      [loraTensorName(path, 'A'), { shape: [RANK, INPUTS], data: values(RANK * INPUTS) }],
      [loraTensorName(path, 'B'), { shape: [outputs, RANK], data: values(outputs * RANK) }],
    ]),
  };
}

/** Seconds for one module: with a history just read, as after a resume, and with one that has grown with the run. */
function measureModule(
  target: keyof typeof modules,
  stages: number,
  space: (typeof consolidationSpaces)[number],
) {
  const random = Random.fromSeed(0).fork(target);
  const history = new MemoryHistory();
  for (let stage = 0; stage < stages; stage++) history.append(adapter(target, random));
  const before = adapter(target, random);
  const after = mapAdapter(before, ({ data }) =>
    data.map((value) => value + 0.004 * (2 * random.uniform() - 1)),
  );
  const seconds = () => {
    const start = performance.now();
    consolidateAdapter(before, after, history, { space, threshold: 0.9, lambda: 0.5 });
    return (performance.now() - start) / 1000;
  };
  return { read: seconds(), grown: seconds() };
}

async function main(): Promise<void> {
  const flags = readFlags({
    stages: { type: 'string', default: '10,50' },
    layers: { type: 'string', default: '32' },
    record: { type: 'boolean', default: false },
  });
  const layers = wholeNumber('--layers', flags.layers, 1, 1000);
  const counts = flags.stages.split(',').map((text) => wholeNumber('--stages', text, 0, 1000));
  const machine = describeMachine();
  warnIfBusy(machine);
  const results = counts.flatMap((stages) =>
    consolidationSpaces.map((space) => {
      let [read, grown] = [0, 0];
      for (let layer = 0; layer < layers; layer++) {
        for (const target of Object.keys(modules) as (keyof typeof modules)[]) {
          const seconds = measureModule(target, stages, space);
          read += seconds.read;
          grown += seconds.grown;
        }
        process.stderr.write(`${stages} stages, ${space}: layer ${layer + 1} of ${layers}\n`);
      }
      return { stages, space, read, grown };
    }),
  );
  const head = ['earlier stages', 'space', 'history just read, s', 'history known, s'];
  const rows = results.map(({ stages, space, read, grown }) => [
    String(stages),
    space,
    read.toFixed(1),
    grown.toFixed(1),
  ]);
  const about = `One consolidation of a whole adapter: r ${RANK}, ${layers} layers of q (4,096 x 4,096) and v (1,024 x 4,096).`;
  const markdown = `${machineLine(machine)}\n\n${about}\n\n${table(head, rows)}`;
  await publish('consolidation', machine, { markdown, numbers: { layers, results }, record: flags.record });
}

await runCommand(main);
