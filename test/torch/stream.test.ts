/** A small stream end to end on both engines, method by method: the same losses, adapters and matrix. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { methods } from '../../src/method/index.ts';
import { readAdapterFolder } from '../../src/model/adapter-folder.ts';
import { resolveRunConfig } from '../../src/train/config/resolve.ts';
import { type ModelEnvironment, openModelEnvironment } from '../../src/train/model-environment.ts';
import { runStream } from '../../src/train/stream.ts';
import { oraclePython } from '../parity/environment.ts';

/** Of losses and gradient norms, relative. */
const STEP_TOLERANCE = 1e-4;
/** Of an adapter, in L2 relative to it; about a hundred times what was seen. */
const ADAPTER_TOLERANCE = 1e-4;

const stage = { epochs: 1, learning_rate: 1e-3, batch_size: 4 };
const tree = (method: string) => ({
  base: 'tiny',
  method,
  general: null,
  generation: { max_new_tokens: 6, samples: 0 },
  tasks: ['empathy', 'facts'].map((name) => ({
    name,
    train: `builtin:${name}/train`,
    test: `builtin:${name}/test`,
    train_rows: 8,
    test_rows: 6,
  })),
  stages: { sft: stage, preference: stage },
});

let folder: string;
const environments = new Map<string, ModelEnvironment>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifealign-torch-stream-'));
  process.env['LIFEALIGN_PYTHON'] = await oraclePython();
  const log = () => {};
  const { engine } = await resolveRunConfig(
    { ...tree('er'), engine: { name: 'torch', device: 'cpu' } },
    origin(),
  );
  environments.set('torch', await openModelEnvironment('tiny', { log, engine, threads: 1 }));
  environments.set('ort', await openModelEnvironment('tiny', { log, threads: 1 }));
});
afterAll(async () => {
  for (const { engine } of environments.values()) await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const origin = () => ({ file: 'stream.yaml', folder });

async function outcome(method: string, name: string) {
  const outputFolder = join(folder, `${method}-${name}`);
  const config = await resolveRunConfig(tree(method), origin());
  const cacheFolder = join(folder, 'cache');
  const summary = await runStream(config, { ...environments.get(name)!, outputFolder, cacheFolder });
  const lines = (await readFile(join(outputFolder, 'steps.jsonl'), 'utf8')).trim().split('\n');
  const steps = lines.map((line) => JSON.parse(line) as Record<string, number>);
  const adapter = await readAdapterFolder(join(outputFolder, 'tasks', '2-facts', 'adapter'));
  return { summary, steps, values: [...adapter.tensors.values()].flatMap(({ data }) => [...data]) };
}

const norm = (values: readonly number[]) => Math.hypot(...values);

describe.each(methods.map(({ name }) => name))('%s', (method) => {
  it('learns the same through torch as through ort', async () => {
    const [torch, ort] = [await outcome(method, 'torch'), await outcome(method, 'ort')];
    expect(torch.steps).toHaveLength(ort.steps.length);
    for (const [at, expected] of ort.steps.entries()) {
      for (const key of ['loss', 'grad_norm', 'logps/chosen', 'logps/rejected']) {
        const difference = Math.abs(torch.steps[at]![key]! - expected[key]!);
        expect(difference, `step ${at + 1}, ${key}`).toBeLessThanOrEqual(
          STEP_TOLERANCE * Math.abs(expected[key]!) + 1e-6,
        );
      }
    }
    const distance = norm(torch.values.map((value, at) => value - ort.values[at]!));
    process.stderr.write(`  ${method}: adapters ${(distance / norm(ort.values)).toExponential(1)} apart\n`);
    expect(distance).toBeLessThanOrEqual(ADAPTER_TOLERANCE * norm(ort.values));
    expect(torch.summary.preference_accuracy).toEqual(ort.summary.preference_accuracy);
  });
});
