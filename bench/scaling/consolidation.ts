/**
 * What consolidation costs at the size of a large model's adapter: r 8 on q and v of 32 layers with 4,096 inputs and
 * 4,096 and 1,024 outputs (Llama 3.1 8B), after so many earlier stages. Random numbers, module after module; one thread.
 */
import { consolidateAdapter, type LoraAdapter, MemoryHistory, Random } from '../../src/index.ts';
import { type ConsolidationSpace, consolidationSpaces } from '../../src/memory/spaces.ts';
import { loraTensorName, mapAdapter } from '../../src/model/adapter.ts';

export const EIGHT_BILLION = { layers: 32, rank: 8, inputs: 4096, outputs: { q_proj: 4096, v_proj: 1024 } };

type Target = keyof typeof EIGHT_BILLION.outputs;

export interface ConsolidationCost {
  readonly stages: number;
  readonly space: ConsolidationSpace;
  /** Seconds for the whole adapter with a history just read, as after a resume. */
  readonly read: number;
  /** With one that has grown with the run. */
  readonly grown: number;
}

export function measureConsolidation(
  stages: number,
  layers: number,
  log: (line: string) => void,
): ConsolidationCost[] {
  const targets = Object.keys(EIGHT_BILLION.outputs) as Target[];
  return consolidationSpaces.map((space) => {
    let [read, grown] = [0, 0];
    for (let layer = 0; layer < layers; layer++) {
      for (const target of targets) {
        const seconds = measureModule(target, stages, space);
        read += seconds.read;
        grown += seconds.grown;
      }
      log(`${stages} stages, ${space}: layer ${layer + 1} of ${layers}`);
    }
    return { stages, space, read, grown };
  });
}

function measureModule(target: Target, stages: number, space: ConsolidationSpace) {
  const random = Random.fromSeed(0).fork(target);
  const history = new MemoryHistory();
  for (let stage = 0; stage < stages; stage++) history.append(randomModule(target, random));
  const before = randomModule(target, random);
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

function randomModule(target: Target, random: Random): LoraAdapter {
  const { rank, inputs, outputs } = EIGHT_BILLION;
  const path = `model.layers.0.self_attn.${target}`;
  const matrix = (rows: number, columns: number) => ({
    shape: [rows, columns] as const,
    data: Float32Array.from({ length: rows * columns }, () => 0.02 * (2 * random.uniform() - 1)),
  });
  return {
    settings: { rank, alpha: 2 * rank, targets: [target] },
    tensors: new Map([
      [loraTensorName(path, 'A'), matrix(rank, inputs)],
      [loraTensorName(path, 'B'), matrix(outputs[target], rank)],
    ]),
  };
}
