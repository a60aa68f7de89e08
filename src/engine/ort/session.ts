/** From a graph to a session: emission, with weights named by their files. */
import { dirname, relative } from 'node:path';
import type { SafetensorsEntry } from '../../model/weights/safetensors.ts';
import { emitOnnx } from '../../tensor/onnx/emit.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type EmittedGraph, type OrtSession, openSession, type SessionOptions } from './open-session.ts';

type Weights = ReadonlyMap<string, SafetensorsEntry>;

/** The graph as ONNX bytes; weights are named by their files, relative to the folder that holds them. */
export function emitGraph(
  outputs: Readonly<Record<string, Tensor>>,
  weights: Weights,
  options: { readonly named?: boolean } = {},
): EmittedGraph {
  const weightsFolder = commonFolder(weights);
  const locate = (name: string) => {
    const entry = weights.get(name);
    if (!entry) throw new Error(`the model has no weight "${name}"`);
    return { location: relative(weightsFolder, entry.file), offset: entry.offset, length: entry.byteLength };
  };
  const { bytes, inputs } = emitOnnx(outputs, locate, options);
  return { bytes, inputs, weightsFolder };
}

/** Emits a graph and opens it in this thread. */
export function createSession(
  outputs: Readonly<Record<string, Tensor>>,
  weights: Weights,
  options: SessionOptions = {},
): Promise<OrtSession> {
  return openSession([emitGraph(outputs, weights)], options);
}

/** The folder that holds all weight files (one model's shards lie together); any will do where there are none. */
function commonFolder(weights: Weights): string {
  const folders = new Set([...weights.values()].map((entry) => dirname(entry.file)));
  if (folders.size > 1) throw new Error('a model keeps its weight files in one folder');
  return [...folders][0] ?? '.';
}
