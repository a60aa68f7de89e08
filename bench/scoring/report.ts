/** A scoring measurement as text. */
import { type Machine, machineLine } from '../shared/machine.ts';
import { sidesTable, table } from '../shared/summary.ts';
import type { ScoringComparison } from './compare.ts';

export interface ScoringNumbers {
  readonly threads: number;
  readonly repeats: number;
  readonly sets: readonly ScoringComparison[];
}

/** In Markdown. */
export function scoringReport(machine: Machine, { threads, repeats, sets }: ScoringNumbers): string {
  const versions = Object.entries(sets[0]!.versions).map(([name, version]) => `${name} ${version}`);
  return [
    '# Log-probs of real pairs: this engine and transformers',
    'SmolLM2-135M-Instruct, both responses of every pair; tokens of prompt and response of both, a shared prompt ' +
      `twice. ${threads} threads each, ${repeats} interleaved repeats, every measurement a process. transformers ` +
      'makes logits at response positions only, a batch is so many sequences, padded. This engine computes in float32.',
    `${machineLine(machine)}. ${versions.join(', ')}.`,
    ...sets.map(section),
    '',
  ].join('\n\n');
}

function section({ set, pairs, tokens, sides, differences }: ScoringComparison): string {
  return [
    `## ${set}: ${pairs} pairs, ${tokens} tokens`,
    sidesTable(sides).trimEnd(),
    'Largest difference of a log-prob to ours:',
    table(
      ['', 'nats', 'share of the log-prob'],
      sides.slice(1).map(({ name }, at) => {
        const { nats, share } = differences[at + 1]!;
        return [name, nats.toExponential(1), share.toExponential(1)];
      }),
    ).trimEnd(),
  ].join('\n\n');
}
