/** An ONNX Runtime session from a graph's bytes; weights are mapped into memory from their files. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

/** A graph as the runtime takes it. It names nothing of this process, so that a worker can open it as well. */
export interface EmittedGraph {
  readonly bytes: Uint8Array;
  /** Names of its inputs. */
  readonly inputs: readonly string[];
  /** The folder that the names of weight files are relative to. */
  readonly weightsFolder: string;
}

export interface Feed {
  readonly data: Float32Array | BigInt64Array | Int8Array;
  readonly shape: readonly number[];
  /** The values never change: a worker gets them once and keeps them. */
  readonly constant?: true;
}

export type Feeds = Readonly<Record<string, Feed>>;

export type Outputs = Readonly<Record<string, Float32Array>>;

export interface OrtSession {
  /** Feeds the graph does not read are ignored; a missing one is an error of the runtime. */
  run(feeds: Feeds): Promise<Outputs>;
  release(): Promise<void>;
}

export interface SessionOptions {
  /** Threads within an operation; 0 leaves the choice to the runtime. */
  readonly threads?: number;
  /** Give the arena's memory back after each run: for graphs of rare, large batches. */
  readonly shrink?: boolean;
  /** Path of what the runtime measures of each node, without its ending; written when the session is let go. */
  readonly profile?: string;
}

/** What makes sessions: this thread, or a worker. */
export type SessionOpener = (graph: EmittedGraph, options: SessionOptions) => Promise<OrtSession>;

/** In this thread, which waits while the runtime is at work. */
export async function openSession(graph: EmittedGraph, options: SessionOptions = {}): Promise<OrtSession> {
  const session = await InferenceSession.create(graph.bytes, {
    // The graph is emitted fused and without repetition; the runtime's own pass over it costs seconds.
    graphOptimizationLevel: 'disabled',
    enableMemPattern: false,
    executionMode: 'sequential',
    intraOpNumThreads: options.threads ?? 0,
    logSeverityLevel: 3,
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    extra: {
      session: {
        // Packing a weight copies it: unpacked, one mapped file serves every session.
        disable_prepacking: '1',
        model_external_initializers_file_folder_path: graph.weightsFolder,
      },
    },
  });
  const runOptions = options.shrink
    ? { extra: { memory: { enable_memory_arena_shrinkage: 'cpu:0' } } }
    : undefined;
  return {
    async run(feeds) {
      const tensors: Record<string, OrtTensor> = {};
      for (const name of graph.inputs) tensors[name] = tensorOf(feedOf(feeds, name));
      const results = await (runOptions ? session.run(tensors, runOptions) : session.run(tensors));
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]),
      );
    },
    async release() {
      if (options.profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

export function feedOf(feeds: Feeds, name: string): Feed {
  const feed = feeds[name];
  if (!feed) throw new Error(`no value for the graph input "${name}"`);
  return feed;
}

/** The runtime reads the data where it is. */
function tensorOf({ data, shape }: Feed): OrtTensor {
  if (data instanceof Float32Array) return new OrtTensor('float32', data, shape);
  if (data instanceof Int8Array) return new OrtTensor('int8', data, shape);
  return new OrtTensor('int64', data, shape);
}
