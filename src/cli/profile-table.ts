/** A profile as text, for people. */
import { type Group, type Profile, total } from '../engine/ort/profile/summary.ts';

export interface ProfiledStep {
  /** What a step is, such as `gradient of 16 pairs`. */
  readonly what: string;
  /** A shared prompt counts twice. */
  readonly tokens: number;
  readonly threads: string;
  /** Measured steps, after the one that is left out. */
  readonly steps: number;
  /** Of a step, from call to result; a mean. */
  readonly seconds: number;
  /** Of the process, weights it has read included. */
  readonly peakResidentBytes: number;
  readonly profile: Profile;
}

/** Groups of a table at most; what is left is one line. */
const MOST_LINES = 24;

export function profileText(step: ProfiledStep): string {
  const { what, tokens, threads, steps, seconds, peakResidentBytes, profile } = step;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    `${what}, ${tokens} tokens (a shared prompt twice), ${threads}; mean of ${steps} steps after one to warm up`,
    `${seconds.toFixed(3)} s a step, ${(tokens / seconds).toFixed(0)} tokens/s; ` +
      `${profile.seconds.toFixed(3)} s in the runtime, ${profile.betweenNodes.toFixed(3)} s of it between operations ` +
      'and for the clocks',
    `values at the fullest: ${megabytes(profile.peakBytes)}, ${megabytes(profile.unassignedBytes)} of it work space ` +
      `and free buffers; peak of the process, weights included: ${megabytes(peakResidentBytes)}`,
    '',
    groupTable('part of the model', profile.parts, profile.seconds),
    '',
    groupTable('operation', profile.operations, profile.seconds),
    '',
    groupTable('layer', profile.layers, profile.seconds, Number.POSITIVE_INFINITY),
    '',
    'ms: milliseconds of a step; again: forward work that the backward pass repeats instead of keeping its results; ' +
      'MB: results alive when most are.',
  ].join('\n');
}

function groupTable(title: string, groups: readonly Group[], seconds: number, most = MOST_LINES): string {
  const shown = groups.length > most + 1 ? [...groups.slice(0, most), rest(groups.slice(most))] : groups;
  const width = Math.max(title.length, ...shown.map(({ name }) => name.length));
  const line = (name: string, cells: readonly string[]) =>
    name.padEnd(width) + cells.map((cell) => cell.padStart(11)).join('');
  const head = line(title, ['forward ms', 'again', 'backward', 'all', '%', 'MB', 'nodes']);
  const lines = shown.map((group) => {
    const { forward, again, backward } = group.seconds;
    const share = seconds === 0 ? 0 : (100 * total(group)) / seconds;
    return line(group.name, [
      ...[forward, again, backward, total(group)].map((value) => (1000 * value).toFixed(1)),
      share.toFixed(1),
      (group.bytes / 1e6).toFixed(1),
      String(group.nodes),
    ]);
  });
  return [head, ...lines].join('\n');
}

function rest(groups: readonly Group[]): Group {
  const sum = (value: (group: Group) => number) => groups.reduce((all, group) => all + value(group), 0);
  return {
    name: `(${groups.length} others)`,
    seconds: {
      forward: sum(({ seconds }) => seconds.forward),
      again: sum(({ seconds }) => seconds.again),
      backward: sum(({ seconds }) => seconds.backward),
    },
    bytes: sum(({ bytes }) => bytes),
    nodes: sum(({ nodes }) => nodes),
  };
}
