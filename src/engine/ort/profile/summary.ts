/** Where a step's time and memory went: by operation, by part of a model and by layer, and in which pass. */
import type { Pass } from '../../../tensor/scope.ts';
import type { ProfiledPurpose, SessionFiles } from './files.ts';
import { type Peak, peakOf } from './memory.ts';
import { type GraphRun, type NodeRun, readTrace } from './trace.ts';

export type ByPass<T = number> = Readonly<Record<Pass, T>>;

export interface Group {
  readonly name: string;
  /** Seconds of a step. */
  readonly seconds: ByPass;
  /** Alive when most memory was in use. */
  readonly bytes: number;
  /** Nodes of a step. */
  readonly nodes: number;
}

export interface Profile {
  /** Seconds of a step in which the runtime was at work. */
  readonly seconds: number;
  /** Of them, those that belong to no node. */
  readonly betweenNodes: number;
  /** Bytes of values when most were in use. */
  readonly peakBytes: number;
  /** Of them, those that are no node's result which is read later; see memory.ts. */
  readonly unassignedBytes: number;
  /** Each with the most expensive first. */
  readonly operations: readonly Group[];
  /** `layers.*` stands for all layers. */
  readonly parts: readonly Group[];
  /** In the model's order; what belongs to no layer is left out. */
  readonly layers: readonly Group[];
}

export interface SummaryOptions {
  readonly purpose: ProfiledPurpose;
  /** Equal ones, of which the first `warmups` are left out. */
  readonly steps: number;
  readonly warmups: number;
}

/** @throws {RangeError} where the runs of a session are not equally many for each step. */
export function summariseProfile(
  sessions: readonly SessionFiles[],
  { purpose, steps, warmups }: SummaryOptions,
): Profile {
  const runs: GraphRun[] = [];
  let peak: Peak = { bytes: 0, alive: [] };
  for (const session of sessions.filter((one) => one.purpose === purpose)) {
    const all = readTrace(session.events);
    if (all.length % steps !== 0) throw new RangeError(`${all.length} runs of ${steps} equal steps`);
    for (const run of all.slice((all.length / steps) * warmups)) {
      runs.push(run);
      const found = peakOf(run, session.graph);
      if (found.bytes > peak.bytes) peak = found;
    }
  }
  const counted = steps - warmups;
  const nodes = runs.flatMap((run) => run.nodes);
  const seconds = sum(runs.map(({ microseconds }) => microseconds)) / 1e6 / counted;
  const ofNodes = sum(nodes.map(({ microseconds }) => microseconds)) / 1e6 / counted;
  const groups = (nameOf: (node: NodeRun) => string | null) => groupsOf(nodes, peak, counted, nameOf);
  const dearestFirst = (some: Group[]) => some.sort((one, other) => total(other) - total(one));
  return {
    seconds,
    betweenNodes: Math.max(0, seconds - ofNodes),
    peakBytes: peak.bytes,
    unassignedBytes: Math.max(0, peak.bytes - sum(peak.alive.map(({ resultBytes }) => resultBytes))),
    operations: dearestFirst(groups(({ operation }) => operation)),
    parts: dearestFirst(groups(({ scope }) => partName(scope.part))),
    layers: groups(({ scope }) => layerName(scope.part)).sort(
      (one, other) => Number(one.name) - Number(other.name),
    ),
  };
}

/** Seconds of a step, over all passes. */
export function total({ seconds }: Group): number {
  return seconds.forward + seconds.again + seconds.backward;
}

/** Of the modules whose name ends so, such as `self_attn.attention`. */
export function secondsOfPart({ parts }: Profile, ending: string): number {
  return sum(parts.filter(({ name }) => name.endsWith(ending)).map(total));
}

function groupsOf(
  nodes: readonly NodeRun[],
  { alive }: Peak,
  steps: number,
  nameOf: (node: NodeRun) => string | null,
): Group[] {
  const groups = new Map<string, { seconds: Record<Pass, number>; bytes: number; nodes: number }>();
  const groupOf = (name: string) => {
    const known = groups.get(name);
    if (known) return known;
    const made = { seconds: { forward: 0, again: 0, backward: 0 }, bytes: 0, nodes: 0 };
    groups.set(name, made);
    return made;
  };
  for (const node of nodes) {
    const name = nameOf(node);
    if (name === null) continue;
    const group = groupOf(name);
    group.seconds[node.scope.pass] += node.microseconds / 1e6 / steps;
    group.nodes += 1 / steps;
  }
  for (const node of alive) {
    const name = nameOf(node);
    if (name !== null) groupOf(name).bytes += node.resultBytes;
  }
  return [...groups].map(([name, group]) => ({ name, ...group, nodes: Math.round(group.nodes) }));
}

/** `model.layers.3.mlp.up_proj` is `layers.*.mlp.up_proj`. */
function partName(part: string): string {
  if (part === '') return '(no part)';
  return part.replace(/^model\./, '').replace(/^layers\.\d+\./, 'layers.*.');
}

function layerName(part: string): string | null {
  return /(?:^|\.)layers\.(\d+)\./.exec(part)?.[1] ?? null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
