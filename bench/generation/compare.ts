/** One batch size: this engine and transformers' settings, interleaved, on the same prompts. */
import { type Measured, measureNode, measurePython } from '../shared/child.ts';
import { type Comparison, compare } from '../shared/comparison.ts';
import type { Journal } from '../shared/journal.ts';
import { measureRounds, type Side } from '../shared/rounds.ts';
import { type SideSummary, summariseSide } from '../shared/summary.ts';
import type { GenerationReport, GenerationRequest, TransformersSettings } from './request.ts';

const OURS = new URL('ours.ts', import.meta.url);
const THEIRS = new URL('transformers_generate.py', import.meta.url);

/** transformers' own default first. bfloat16 is another precision, and so another answer. */
const PEERS: readonly TransformersSettings[] = [
  { precision: 'float32', attention: 'sdpa' },
  { precision: 'float32', attention: 'eager' },
  { precision: 'bfloat16', attention: 'sdpa' },
];

export interface GenerationComparison {
  readonly batchSize: number;
  readonly promptTokens: readonly number[];
  readonly sides: readonly SideSummary[];
  /** For each side, how many of its answers are ours to the last token. */
  readonly equalAnswers: readonly number[];
  /** Our median speed over that of transformers' fastest float32 setting. */
  readonly speedUp: number;
  /** Speed, as results hold it. */
  readonly comparisons: readonly Comparison[];
  readonly versions: Readonly<Record<string, string>>;
}

export async function compareGeneration(
  request: GenerationRequest,
  { repeats, journal }: { repeats: number; journal: Journal },
): Promise<GenerationComparison> {
  const { batchSize, prompts, newTokens } = request;
  const ours: Side<GenerationReport> = { name: 'lifealign', measure: () => measureNode(OURS, request) };
  const peers = PEERS.map((settings): Side<GenerationReport> => {
    const name = `transformers, ${settings.precision}, ${settings.attention}`;
    return { name, measure: () => measurePython(THEIRS, { ...request, ...settings }) };
  });
  const sides = [ours, ...peers];
  const units = prompts.length * newTokens;
  const results = await measureRounds(`batch ${batchSize}`, sides, { repeats, units, journal });
  const summaries = sides.map(({ name }, at) => summariseSide(name, units, results[at]!));
  const firsts = results.map(([first]) => first!);
  const exact = summaries.slice(1).filter((_, at) => PEERS[at]!.precision === 'float32');
  const fastest = Math.max(...exact.map(({ tokensPerSecond }) => tokensPerSecond.median));
  return {
    batchSize,
    promptTokens: prompts.map((prompt) => prompt.length),
    sides: summaries,
    equalAnswers: firsts.map((result) => countEqual(result, firsts[0]!)),
    speedUp: summaries[0]!.tokensPerSecond.median / fastest,
    comparisons: sides.slice(1).map(({ name }, at) =>
      compare({
        ...{ name: `batch ${batchSize}: ${name}`, against: name, unit: 'tokens/s', better: 'more' },
        ours: results[0]!.map(({ seconds }) => units / seconds),
        peer: results[at + 1]!.map(({ seconds }) => units / seconds),
      }),
    ),
    versions: Object.assign({}, ...firsts.map(({ versions }) => versions)),
  };
}

function countEqual({ answers }: Measured<GenerationReport>, ours: Measured<GenerationReport>): number {
  return answers.filter((tokens, at) => tokens.join() === ours.answers[at]!.join()).length;
}
