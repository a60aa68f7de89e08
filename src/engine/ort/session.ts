/** An ONNX Runtime session over one graph; weights are mapped into memory from their files. */
import { dirname, relative } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { SafetensorsEntry } from '../../model/weights/safetensors.ts';
import { emitOnnx } from '../../tensor/onnx/emit.ts';
import type { Tensor } from '../../tensor/tensor.ts';

export interface Feed {
  readonly data: Float32Array | BigInt64Array | Int8Array;
  readonly shape: readonly number[];
}

type Weights = ReadonlyMap<string, SafetensorsEntry>;

export interface OrtSession {
  /** Feeds the graph does not read are ignored; a missing one is an error of the runtime. */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Readonly<Record<string, Float32Array>>>;
  release(): Promise<void>;
}

export interface SessionOptions {
  /** Threads within an operation; 0 leaves the choice to the runtime. */
  readonly threads?: number;
  /** Give the arena's memory back after each run: for graphs of rare, large batches. */
  readonly shrink?: boolean;
}

/** The graph as ONNX bytes; weights are named by their files, relative to the folder that holds them. */
function emit(outputs: Readonly<Record<string, Tensor>>, weights: Weights) {
  const folder = commonFolder(weights);
  const model = emitOnnx(outputs, (name) => {
    const entry = weights.get(name);
    if (!entry) throw new Error(`the model has no weight "${name}"`);
    return { location: relative(folder, entry.file), offset: entry.offset, length: entry.byteLength };
  });
  return { folder, model };
}

/** What a session of this graph runs, for fingerprints. */
export function graphBytes(outputs: Readonly<Record<string, Tensor>>, weights: Weights): Uint8Array {
  return emit(outputs, weights).model.bytes;
}

export async function createSession(
  outputs: Readonly<Record<string, Tensor>>,
  weights: Weights,
  options: SessionOptions = {},
): Promise<OrtSession> {
  const { folder, model } = emit(outputs, weights);
  const session = await InferenceSession.create(model.bytes, {
    // The graph is emitted fused and without repetition; the runtime's own pass over it costs seconds.
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    executionMode: 'sequential',
    intraOpNumThreads: options.threads ?? 0,
    logSeverityLevel: 3,
    extra: {
      session: {
        // Packing a weight copies it: unpacked, one mapped file serves every session.
        disable_prepacking: '1',
        model_external_initializers_file_folder_path: folder,
      },
    },
  });
  const runOptions = options.shrink
    ? { extra: { memory: { enable_memory_arena_shrinkage: 'cpu:0' } } }
    : undefined;
  return {
    async run(feeds) {
      const tensors: Record<string, OrtTensor> = {};
      for (const name of model.inputs) {
        const feed = feeds[name];
        if (!feed) throw new Error(`no value for the graph input "${name}"`);
        tensors[name] = tensorOf(feed);
      }
      const results = await (runOptions ? session.run(tensors, runOptions) : session.run(tensors));
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]),
      );
    },
    release: () => session.release(),
  };
}

/** The runtime reads the data where it is. */
function tensorOf({ data, shape }: Feed): OrtTensor {
  if (data instanceof Float32Array) return new OrtTensor('float32', data, shape);
  if (data instanceof Int8Array) return new OrtTensor('int8', data, shape);
  return new OrtTensor('int64', data, shape);
}

/** The folder that holds all weight files (one model's shards lie together); any will do where there are none. */
function commonFolder(weights: Weights): string {
  const folders = new Set([...weights.values()].map((entry) => dirname(entry.file)));
  if (folders.size > 1) throw new Error('a model keeps its weight files in one folder');
  return [...folders][0] ?? '.';
}
