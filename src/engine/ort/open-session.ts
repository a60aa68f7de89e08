/** An ONNX Runtime session from a graph's bytes; weights are mapped into memory from their files. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { DataType } from '../../tensor/tensor.ts';

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

/** What runs one graph. */
export interface GraphRunner {
  /** Feeds the graph does not read are ignored; a missing one is an error. */
  run(feeds: Feeds): Promise<Outputs>;
}

export interface RunSettings {
  /** Which of the session's graphs; the first unless told. */
  readonly graph?: number;
  /** Give the arena's memory back afterwards: for graphs of rare, large batches. */
  readonly shrink?: boolean;
}

export interface OrtSession {
  /** See `GraphRunner.run`. */
  run(feeds: Feeds, settings?: RunSettings): Promise<Outputs>;
  release(): Promise<void>;
}

export interface SessionOptions {
  /** Threads within an operation; 0 leaves the choice to the runtime. */
  readonly threads?: number;
  /** Path of what the runtime measures of each node, without its ending; written when the session is let go. */
  readonly profile?: string;
}

/** What makes sessions: this thread, or a worker. */
export type SessionOpener = (graphs: readonly EmittedGraph[], options: SessionOptions) => Promise<OrtSession>;

const SHRINK = { extra: { memory: { enable_memory_arena_shrinkage: 'cpu:0' } } };

/**
 * In this thread, which waits while the runtime is at work.
 * @param graphs of one model: they share one mapping of its weights, and one arena
 */
export async function openSession(
  graphs: readonly EmittedGraph[],
  options: SessionOptions = {},
): Promise<OrtSession> {
  const { bytes, weightsFolder, members } = await sessionModel(graphs);
  const session = await InferenceSession.create(bytes, {
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
        model_external_initializers_file_folder_path: weightsFolder,
      },
    },
  });
  return {
    async run(feeds, { graph = 0, shrink = false } = {}) {
      const { inputs, outputs, given } = members[graph]!;
      const tensors: Record<string, OrtTensor> = { ...given };
      for (const name of inputs) tensors[name] = tensorOf(feedOf(feeds, name));
      const names = outputs ?? new Map(session.outputNames.map((name) => [name, name]));
      const results = await session.run(tensors, [...names.values()], shrink ? SHRINK : {});
      return Object.fromEntries(
        Array.from(names, ([own, name]) => [own, results[name]!.data as Float32Array]),
      );
    },
    async release() {
      if (options.profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

interface SessionMember {
  readonly inputs: readonly string[];
  /** Names in the session by the graph's own; `undefined` where they are the same. */
  readonly outputs?: ReadonlyMap<string, string>;
  /** Whatever else the session has to be given. */
  readonly given: Readonly<Record<string, OrtTensor>>;
}

interface SessionModel {
  readonly bytes: Uint8Array;
  readonly weightsFolder: string;
  readonly members: readonly SessionMember[];
}

async function sessionModel(graphs: readonly EmittedGraph[]): Promise<SessionModel> {
  const [first] = graphs;
  if (!first) throw new Error('a session of no graphs');
  const { bytes, inputs, weightsFolder } = first;
  if (graphs.length === 1) return { bytes, weightsFolder, members: [{ inputs, given: {} }] };
  // Loaded where it is needed: most workers open single graphs.
  const { choiceName, joinModels } = await import('../../tensor/onnx/join.ts');
  const joined = joinModels(graphs.map((graph) => graph.bytes));
  const unread = Object.fromEntries(Array.from(joined.partial, ([name, type]) => [name, someTensor(type)]));
  const choose = (chosen: number) =>
    Object.fromEntries(graphs.map((_, at) => [choiceName(at), new OrtTensor('bool', [at === chosen], [1])]));
  return {
    bytes: joined.bytes,
    weightsFolder,
    members: joined.members.map((member, at) => ({ ...member, given: { ...unread, ...choose(at) } })),
  };
}

function someTensor(type: DataType): OrtTensor {
  if (type === 'int64') return new OrtTensor('int64', new BigInt64Array(1), [1]);
  if (type === 'int8') return new OrtTensor('int8', new Int8Array(1), [1]);
  if (type === 'bool') return new OrtTensor('bool', new Uint8Array(1), [1]);
  return new OrtTensor('float32', new Float32Array(1), [1]);
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
