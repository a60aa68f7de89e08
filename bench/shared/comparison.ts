/** One thing that was measured, beside what it is held against: a line of results, of the history and of a check. */
import { spread } from './summary.ts';

export type Ends = readonly [least: number, most: number];

export interface Comparison {
  /** Stable from run to run, such as `score/safe-rlhf/float32, batch 1`. */
  readonly name: string;
  /** What `peer` is of: another program with its settings, another setting of ours, or what was aimed at. */
  readonly against: string;
  readonly unit: string;
  /** Medians, in `unit`. */
  readonly ours: number;
  readonly peer: number;
  /** How many times as good ours is: above 1 it is faster, or needs less. */
  readonly ratio: number;
  /** Over repeats; of a single number, that number twice. The ratio's are those of each round. */
  readonly spread: { readonly ours: Ends; readonly peer: Ends; readonly ratio: Ends };
}

export interface ComparisonInput extends Pick<Comparison, 'name' | 'against' | 'unit'> {
  /** Whether more is better, as with tokens per second. */
  readonly better: 'more' | 'less';
  /** One a round, in the order of rounds. */
  readonly ours: readonly number[];
  /** The same; or one number for all rounds. */
  readonly peer: readonly number[] | number;
}

export function compare({ name, against, unit, better, ours, peer }: ComparisonInput): Comparison {
  const peers = typeof peer === 'number' ? ours.map(() => peer) : peer;
  if (peers.length !== ours.length)
    throw new RangeError(`${name}: ${ours.length} rounds and ${peers.length}`);
  const ratioOf = (one: number, other: number) => (better === 'more' ? one / other : other / one);
  const [ourSpread, peerSpread] = [spread(ours), spread(peers)];
  const rounds = spread(ours.map((one, round) => ratioOf(one, peers[round]!)));
  return {
    ...{ name, against, unit },
    ours: ourSpread.median,
    peer: peerSpread.median,
    ratio: ratioOf(ourSpread.median, peerSpread.median),
    spread: {
      ours: [ourSpread.least, ourSpread.most],
      peer: [peerSpread.least, peerSpread.most],
      ratio: [rounds.least, rounds.most],
    },
  };
}
