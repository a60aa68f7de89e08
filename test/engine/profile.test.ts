import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createOrtEngine } from '../../src/engine/ort/index.ts';
import { readProfileFiles, type SessionFiles } from '../../src/engine/ort/profile/files.ts';
import { peakOf } from '../../src/engine/ort/profile/memory.ts';
import { secondsOfPart, summariseProfile, total } from '../../src/engine/ort/profile/summary.ts';
import { readTrace } from '../../src/engine/ort/profile/trace.ts';
import { linearModules } from '../../src/model/linear-modules.ts';
import { initialiseAdapter } from '../../src/model/lora-modules.ts';
import { openModelFolder } from '../../src/model/model-folder.ts';
import { createObjective } from '../../src/objective/index.ts';
import { Random } from '../../src/support/random.ts';
import { GraphProtoSchema, ModelProtoSchema, NodeProtoSchema } from '../../src/tensor/onnx/onnx_pb.ts';
import { MODEL } from '../cli/command.ts';
import { useTemporaryCache } from '../model/temporary-cache.ts';

const folder = useTemporaryCache();

interface MadeNode {
  readonly name: string;
  readonly operation: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly bytes: number;
  readonly microseconds?: number;
}

/** A chain whose second value is read again at its end: a → b → c (a view of b) → d, then e of d and a. */
const chain: readonly MadeNode[] = [
  {
    name: 'forward/model.layers.0.mlp/v0',
    operation: 'MatMul',
    inputs: ['x'],
    output: 'a',
    bytes: 100,
    microseconds: 50,
  },
  {
    name: 'forward/model.layers.1.mlp/v1',
    operation: 'MatMul',
    inputs: ['a'],
    output: 'b',
    bytes: 40,
    microseconds: 30,
  },
  {
    name: 'forward/model.layers.1.mlp/v2',
    operation: 'Reshape',
    inputs: ['b'],
    output: 'c',
    bytes: 40,
    microseconds: 1,
  },
  {
    name: 'backward/model.layers.1.mlp/v3',
    operation: 'Mul',
    inputs: ['c'],
    output: 'd',
    bytes: 30,
    microseconds: 9,
  },
  {
    name: 'backward/model.layers.0.mlp/v4',
    operation: 'Add',
    inputs: ['d', 'a'],
    output: 'e',
    bytes: 5,
    microseconds: 6,
  },
  {
    name: 'backward/outputs/e',
    operation: 'Identity',
    inputs: ['e'],
    output: 'loss',
    bytes: 5,
    microseconds: 4,
  },
];

function session(runs: number): SessionFiles {
  const graph = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      graph: create(GraphProtoSchema, {
        node: chain.map(({ name, operation, inputs, output }) =>
          create(NodeProtoSchema, { name, opType: operation, input: [...inputs], output: [output] }),
        ),
        output: [{ name: 'loss' }],
      }),
    }),
  );
  const events = Array.from({ length: runs }, (_, run) => {
    const start = 1000 * run;
    const nodes = chain.map(({ name, operation, bytes, microseconds }, at) => ({
      ...{ cat: 'Node', name: `${name}_kernel_time`, ts: start + 100 * at, dur: microseconds },
      args: { op_name: operation, output_size: String(bytes), mem_bytes_in_use: String(200 + at) },
    }));
    // The runtime writes events in the order of their ends.
    return [...nodes.reverse(), { cat: 'Session', name: 'model_run', ts: start, dur: 600, args: {} }];
  });
  return { purpose: 'gradients', graph, events: JSON.stringify(events.flat()) };
}

describe('a trace', () => {
  it('is read run by run, its nodes in order', () => {
    const runs = readTrace(session(2).events);
    expect(runs.map(({ microseconds }) => microseconds)).toEqual([600, 600]);
    expect(runs[1]!.nodes.map(({ name }) => name)).toEqual(chain.map(({ name }) => name));
    expect(runs[0]!.nodes[3]).toMatchObject({
      operation: 'Mul',
      scope: { part: 'model.layers.1.mlp', pass: 'backward' },
      microseconds: 9,
      resultBytes: 30,
    });
  });

  it('says what is alive when most is: a value until its last reader, through views', () => {
    const made = session(1);
    // 100; 100 + 40; 140 (the view is none of its own); 140 + 30; then b is gone: 100 + 30 + 5.
    const { bytes, alive } = peakOf(readTrace(made.events)[0]!, made.graph);
    expect(alive.map(({ resultBytes }) => resultBytes)).toEqual([100, 40, 30]);
    expect(bytes).toBe(205);
  });

  it('is summed up by operation, part and layer, over the steps that are not for warming up', () => {
    const profile = summariseProfile([session(3)], { purpose: 'gradients', steps: 3, warmups: 1 });
    expect(profile.seconds).toBeCloseTo(600e-6, 12);
    expect(profile.betweenNodes).toBeCloseTo(500e-6, 12);
    expect(profile.unassignedBytes).toBe(205 - 170);
    expect(profile.operations.map(({ name, nodes }) => [name, nodes])).toEqual([
      ['MatMul', 2],
      ['Mul', 1],
      ['Add', 1],
      ['Identity', 1],
      ['Reshape', 1],
    ]);
    const [mlp] = profile.parts;
    expect(mlp).toMatchObject({ name: 'layers.*.mlp', bytes: 170, nodes: 5 });
    expect(mlp!.seconds.forward).toBeCloseTo(81e-6, 12);
    expect(mlp!.seconds.backward).toBeCloseTo(15e-6, 12);
    expect(secondsOfPart(profile, 'mlp')).toBeCloseTo(96e-6, 12);
    expect(profile.layers.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['0', 100],
      ['1', 70],
    ]);
    expect(() => summariseProfile([session(3)], { purpose: 'gradients', steps: 2, warmups: 1 })).toThrow(
      RangeError,
    );
    expect(summariseProfile([session(3)], { purpose: 'score', steps: 2, warmups: 1 }).seconds).toBe(0);
  });
});

describe('the engine under the profiler', () => {
  it('computes what it computes without, and accounts for every layer and pass', async () => {
    const model = await openModelFolder(MODEL);
    const random = Random.fromSeed(0);
    const settings = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
    const adapter = initialiseAdapter(settings, linearModules(model.config), random);
    const ids = (count: number) =>
      Int32Array.from({ length: count }, () => random.integer(model.config.vocabularySize));
    const rows = [3, 5].map((length) => ({ prompt: ids(9), chosen: ids(length), rejected: ids(4) }));
    const request = { rows, adapter, objective: createObjective({ name: 'sft' }), constants: {} };
    const gradients = async (options: object, steps: number) => {
      const engine = await createOrtEngine(model, { threads: 1, recompute: 'layers', ...options });
      try {
        for (let step = 1; step < steps; step++) await engine.gradients(request);
        return await engine.gradients(request);
      } finally {
        await engine.close();
      }
    };
    const profileFolder = join(folder(), 'profile');
    mkdirSync(profileFolder);
    expect(await gradients({ profileFolder }, 3)).toEqual(await gradients({}, 1));

    const files = await readProfileFiles(profileFolder);
    const profile = summariseProfile(files, { purpose: 'gradients', steps: 3, warmups: 1 });
    expect(profile.layers.map(({ name }) => name)).toEqual(['0', '1']);
    for (const { seconds, bytes } of profile.layers) {
      for (const pass of ['forward', 'again', 'backward'] as const) expect(seconds[pass]).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThanOrEqual(0);
    }
    const names = profile.parts.map(({ name }) => name);
    for (const part of ['q_proj.lora', 'attention', 'rotary'])
      expect(names).toContain(`layers.*.self_attn.${part}`);
    expect(names).toContain('lm_head');
    const unnamed = profile.parts.find(({ name }) => name === '(no part)');
    expect(unnamed ? total(unnamed) / profile.seconds : 0).toBeLessThan(0.1);
    const ofNodes = profile.parts.reduce((sum, part) => sum + total(part), 0);
    expect(ofNodes + profile.betweenNodes).toBeCloseTo(profile.seconds, 9);
    expect(profile.peakBytes).toBeGreaterThan(profile.unassignedBytes);
  });

  it('works in one lane where several are asked for, so that all there is lies in one trace', async () => {
    const model = await openModelFolder(MODEL);
    const settings = { rank: 2, alpha: 4, targets: ['q_proj', 'v_proj'] };
    const adapter = initialiseAdapter(settings, linearModules(model.config), Random.fromSeed(0));
    const row = (token: number) => {
      const [prompt, chosen, rejected] = [[5, 6, 7], [token], [8]].map((ids) => Int32Array.from(ids));
      return { prompt: prompt!, chosen: chosen!, rejected: rejected! };
    };
    const rows = [10, 11, 12, 13].map(row);
    const profileFolder = join(folder(), 'profile-of-lanes');
    mkdirSync(profileFolder);
    const engine = await createOrtEngine(model, { threads: 2, lanes: 2, pairsPerBatch: 1, profileFolder });
    await engine.gradients({ rows, adapter, objective: createObjective({ name: 'sft' }), constants: {} });
    await engine.close();
    const [files, ...others] = await readProfileFiles(profileFolder);
    expect(others).toEqual([]);
    expect(readTrace(files!.events)).toHaveLength(rows.length);
  });
});
