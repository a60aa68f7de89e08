/** What a run's memory was taken up by when it was fullest: results that a later node still reads. */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from '../../../tensor/onnx/onnx_pb.ts';
import type { GraphRun, NodeRun } from './trace.ts';

export interface Peak {
  /** The most that was in use of the runtime's arena. */
  readonly bytes: number;
  /**
   * The nodes whose results were alive when most bytes were. In all they are less than was in use: a node at work
   * takes memory of its own, and buffers of values that are dead wait for others of their shape.
   */
  readonly alive: readonly NodeRun[];
}

/** Their result is their input, seen in another shape. */
const VIEWS = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** @param graph the graph that ran, as ONNX, with named nodes */
export function peakOf({ nodes }: GraphRun, graph: Uint8Array): Peak {
  const end = lastReaders(nodes, graph);
  // +bytes where a result begins, −bytes behind its last reader.
  const changes = new Float64Array(nodes.length + 2);
  for (const [at, node] of nodes.entries()) {
    if (VIEWS.has(node.operation)) continue;
    changes[at]! += node.resultBytes;
    changes[end[at]! + 1]! -= node.resultBytes;
  }
  let [bytes, most, fullest] = [0, -1, 0];
  for (let at = 0; at < nodes.length; at++) {
    bytes += changes[at]!;
    if (bytes > most) [most, fullest] = [bytes, at];
  }
  return {
    bytes: nodes.reduce((greatest, { bytesInUse }) => Math.max(greatest, bytesInUse), 0),
    alive: nodes.filter(({ operation }, at) => !VIEWS.has(operation) && at <= fullest && end[at]! >= fullest),
  };
}

/** For every node the place of the last one that reads a result of it, or a view of one. */
function lastReaders(nodes: readonly NodeRun[], graph: Uint8Array): number[] {
  const { graph: content } = fromBinary(ModelProtoSchema, graph);
  const protos = new Map((content?.node ?? []).map((proto) => [proto.name, proto]));
  const results = new Set((content?.output ?? []).map(({ name }) => name));
  const makers = new Map<string, number>();
  const end = nodes.map((_, at) => at);
  for (const [at, { name, operation }] of nodes.entries()) {
    const proto = protos.get(name);
    for (const input of proto?.input ?? []) {
      const maker = makers.get(input);
      if (maker !== undefined) end[maker] = Math.max(end[maker]!, at);
    }
    const viewed = VIEWS.has(operation) ? makers.get(proto?.input[0] ?? '') : undefined;
    for (const output of proto?.output ?? []) {
      const maker = viewed ?? at;
      makers.set(output, maker);
      if (results.has(output)) end[maker] = nodes.length;
    }
  }
  return end;
}
