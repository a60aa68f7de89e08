/** A generation measurement as text. */
import { type Machine, machineLine } from '../shared/machine.ts';
import { sidesTable } from '../shared/summary.ts';
import type { GenerationComparison } from './compare.ts';

/** What the project promises: our speed over that of transformers' fastest float32 setting. */
const LEAST_SPEED_UP: Readonly<Record<number, number>> = { 1: 1, 16: 1.5 };

export interface GenerationNumbers {
  readonly newTokens: number;
  readonly threads: number;
  readonly repeats: number;
  readonly batches: readonly GenerationComparison[];
}

/** In Markdown. */
export function generationReport(
  machine: Machine,
  { newTokens, threads, repeats, batches }: GenerationNumbers,
): string {
  const versions = Object.entries(batches[0]!.versions).map(([name, version]) => `${name} ${version}`);
  return [
    '# Greedy generation: this engine and transformers',
    `SmolLM2-135M-Instruct, ${newTokens} new tokens an answer, new tokens per second with the prompts' own ` +
      `time counted; ${threads} threads each, ${repeats} interleaved repeats, every measurement a process. ` +
      'This engine computes in float32.',
    `${machineLine(machine)}. ${versions.join(', ')}.`,
    ...batches.map(section),
    '',
  ].join('\n\n');
}

function section({ batchSize, promptTokens, sides, equalAnswers, speedUp }: GenerationComparison): string {
  const shortest = Math.min(...promptTokens);
  const longest = Math.max(...promptTokens);
  const equal = sides.slice(1).map(({ name }, at) => `${equalAnswers[at + 1]} (${name})`);
  return [
    `## Batch ${batchSize}: ${promptTokens.length} prompts of ${shortest} to ${longest} tokens`,
    sidesTable(sides).trimEnd(),
    `Answers of ${promptTokens.length} that are ours to the last token: ${equal.join(', ')}.`,
    `${verdict(batchSize, speedUp)}`,
  ].join('\n\n');
}

function verdict(batchSize: number, speedUp: number): string {
  const found = `${speedUp.toFixed(2)}× the fastest float32 setting of transformers`;
  const least = LEAST_SPEED_UP[batchSize];
  if (least === undefined) return `${found}.`;
  return `${found}; promised is at least ${least}×: ${speedUp >= least ? 'kept' : 'NOT kept'}.`;
}
