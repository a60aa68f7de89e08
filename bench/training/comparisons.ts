/** Speed and memory of either of our sides beside either of TRL's, as results and the history hold them. */
import type { Measured } from '../shared/child.ts';
import { type Comparison, compare } from '../shared/comparison.ts';
import type { TrainingReport } from './request.ts';

/** In the order of a comparison's sides. */
const OURS = ['exact', 'int8 backward'] as const;
const PEERS = ['TRL as it comes', 'TRL at its best'] as const;

export interface MeasuredSides {
  readonly set: string;
  readonly tokens: number;
  /** Two of ours, then two of TRL's; so are `results`, each with one a round. */
  readonly names: readonly string[];
  readonly results: readonly (readonly Measured<TrainingReport>[])[];
}

export function comparisonsOf({ set, tokens, names, results }: MeasuredSides): Comparison[] {
  const perSecond = results.map((side) => side.map(({ seconds }) => tokens / seconds));
  const gigabytes = results.map((side) => side.map(({ peakResidentBytes }) => peakResidentBytes / 1e9));
  return OURS.flatMap((our, at) =>
    PEERS.flatMap((peer, offset) => {
      const beside = OURS.length + offset;
      const of = (measure: string) => ({
        name: `${set}: ${measure}, ${our}, ${peer}`,
        against: names[beside]!,
      });
      return [
        compare({
          ...{ ...of('speed'), unit: 'tokens/s', better: 'more' },
          ...{ ours: perSecond[at]!, peer: perSecond[beside]! },
        }),
        compare({
          ...{ ...of('peak memory'), unit: 'GB', better: 'less' },
          ...{ ours: gigabytes[at]!, peer: gigabytes[beside]! },
        }),
      ];
    }),
  );
}
