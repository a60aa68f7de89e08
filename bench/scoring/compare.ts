/** One set of pairs: this engine and transformers' settings, interleaved, and whether their log-probs agree. */
import { type Measured, measureNode, measurePython } from '../shared/child.ts';
import { type Comparison, compare } from '../shared/comparison.ts';
import type { Journal } from '../shared/journal.ts';
import { measureRounds, type Side } from '../shared/rounds.ts';
import { type SideSummary, summariseSide } from '../shared/summary.ts';
import type { ScoringReport, ScoringRequest, TransformersSettings } from './request.ts';

const OURS = new URL('ours.ts', import.meta.url);
const THEIRS = new URL('transformers_score.py', import.meta.url);

/** bfloat16 is another precision, and gives other numbers. */
const PEERS: readonly TransformersSettings[] = [
  { precision: 'float32', batchSize: 1 },
  { precision: 'float32', batchSize: 4 },
  { precision: 'bfloat16', batchSize: 1 },
  { precision: 'bfloat16', batchSize: 4 },
];

export interface ScoringComparison {
  readonly set: string;
  readonly pairs: number;
  /** Of both responses with their prompt, which so counts twice. */
  readonly tokens: number;
  readonly sides: readonly SideSummary[];
  /** Of each side's log-probs to ours: the largest difference, in nats, and as a share of the log-prob. */
  readonly differences: readonly { readonly nats: number; readonly share: number }[];
  readonly comparisons: readonly Comparison[];
  readonly versions: Readonly<Record<string, string>>;
}

export async function compareScoring(
  set: string,
  request: ScoringRequest,
  { repeats, journal }: { repeats: number; journal: Journal },
): Promise<ScoringComparison> {
  const tokens = request.rows.reduce(
    (sum, { prompt, chosen, rejected }) => sum + 2 * prompt.length + chosen.length + rejected.length,
    0,
  );
  const ours: Side<ScoringReport> = { name: 'lifealign', measure: () => measureNode(OURS, request) };
  const peers = PEERS.map((settings): Side<ScoringReport> => {
    const name = `transformers, ${settings.precision}, batch ${settings.batchSize}`;
    return { name, measure: () => measurePython(THEIRS, { ...request, ...settings }) };
  });
  const sides = [ours, ...peers];
  const results = await measureRounds(set, sides, { repeats, units: tokens, journal });
  const firsts = results.map(([first]) => first!);
  const perSecond = (some: readonly Measured<ScoringReport>[]) => some.map(({ seconds }) => tokens / seconds);
  return {
    ...{ set, pairs: request.rows.length, tokens },
    sides: sides.map(({ name }, at) => summariseSide(name, tokens, results[at]!)),
    differences: firsts.map((side) => difference(side, firsts[0]!)),
    comparisons: peers.map(({ name }, at) =>
      compare({
        ...{ name: `${set}: ${name}`, against: name, unit: 'tokens/s', better: 'more' },
        ...{ ours: perSecond(results[0]!), peer: perSecond(results[at + 1]!) },
      }),
    ),
    versions: Object.assign({}, ...firsts.map(({ versions }) => versions)),
  };
}

function difference(side: ScoringReport, ours: ScoringReport): { nats: number; share: number } {
  const values = ({ chosen, rejected }: ScoringReport) => [...chosen, ...rejected];
  const own = values(ours);
  const nats = values(side).map((value, at) => Math.abs(value - own[at]!));
  return { nats: Math.max(...nats), share: Math.max(...nats.map((value, at) => value / Math.abs(own[at]!))) };
}
