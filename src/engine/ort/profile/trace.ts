/** The runtime's events of one session, read: what each run of the graph took, node by node. */
import * as z from 'zod';
import { scopeOfName } from '../../../tensor/onnx/emit.ts';
import type { Scope } from '../../../tensor/scope.ts';

export interface NodeRun {
  /** As the graph has it. */
  readonly name: string;
  /** The ONNX operation. */
  readonly operation: string;
  readonly scope: Scope;
  readonly microseconds: number;
  /** Of its results. */
  readonly resultBytes: number;
  /** Of the arena, all that is in use when it is done. */
  readonly bytesInUse: number;
}

export interface GraphRun {
  /** Of the whole run, what lies between nodes included. */
  readonly microseconds: number;
  /** In the order in which they ran. */
  readonly nodes: readonly NodeRun[];
}

const event = z.looseObject({
  cat: z.string(),
  name: z.string(),
  ts: z.number(),
  dur: z.number(),
  args: z.record(z.string(), z.unknown()),
});
type Event = z.output<typeof event>;

const NODE_END = '_kernel_time';
const UNSCOPED: Scope = { part: '', pass: 'forward' };

/** @param text the runtime's profile, a JSON array of events with times in microseconds */
export function readTrace(text: string): GraphRun[] {
  const events = z.array(event).parse(JSON.parse(text));
  const nodes = events
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith(NODE_END))
    .sort((one, other) => one.ts - other.ts);
  return events
    .filter(({ cat, name }) => cat === 'Session' && name === 'model_run')
    .sort((one, other) => one.ts - other.ts)
    .map(({ ts, dur }) => ({
      microseconds: dur,
      nodes: nodes.filter((node) => node.ts >= ts && node.ts <= ts + dur).map(nodeRun),
    }));
}

function nodeRun({ name: given, dur, args }: Event): NodeRun {
  const name = given.slice(0, -NODE_END.length);
  // Counts are texts there.
  const count = (key: string) => Number(args[key] ?? 0);
  return {
    name,
    operation: String(args['op_name']),
    scope: scopeOfName(name) ?? UNSCOPED,
    microseconds: dur,
    resultBytes: count('output_size'),
    bytesInUse: count('mem_bytes_in_use'),
  };
}
