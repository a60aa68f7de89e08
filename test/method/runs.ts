/** Runs of a method over the toy stream, and what the engine was asked for and the steps logged. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asLora } from '../../src/model/adapter.ts';
import { readAdapterFolder } from '../../src/model/adapter-folder.ts';
import type { ConfigTree } from '../../src/train/config/overrides.ts';
import { workspace } from '../train/temporary-folder.ts';
import { ToyEngine } from '../train/toy-engine.ts';
import { runToy, toyConfig } from '../train/toy-stream.ts';

/** `changes` replace whole top-level keys of the toy config. */
export async function runMethod(method: string, changes: ConfigTree = {}) {
  const folder = workspace();
  const engine = new ToyEngine();
  const summary = await runToy(toyConfig({ method, ...changes }), { folder, engine });
  const output = join(folder, 'output');
  const steps: Record<string, unknown>[] = readFileSync(join(output, 'steps.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { folder, output, engine, steps, summary };
}

export function gradientCalls({ calls }: ToyEngine) {
  return calls.filter((call) => call.kind === 'gradients');
}

/** As a task, for example `1-low`, left it. */
export function taskPolicy(output: string, task: string) {
  return readAdapterFolder(join(output, 'tasks', task, 'adapter'));
}

/** The same, of LoRA matrices. */
export async function taskAdapter(output: string, task: string) {
  return asLora(await taskPolicy(output, task));
}
