/** A training measurement as text. */
import { type Machine, machineLine } from '../shared/machine.ts';
import { sidesTable, table } from '../shared/summary.ts';
import type { TrainingComparison } from './compare.ts';
import { RECIPE } from './request.ts';
import { describeSettings } from './trl.ts';

export interface TrainingNumbers {
  readonly rows: number;
  readonly epochs: number;
  readonly threads: number;
  readonly repeats: number;
  readonly sets: readonly TrainingComparison[];
}

/** In Markdown. */
export function trainingReport(
  machine: Machine,
  { rows, epochs, threads, repeats, sets }: TrainingNumbers,
): string {
  const versions = Object.entries(sets[0]!.versions).map(([name, version]) => `${name} ${version}`);
  return [
    "# Training preference pairs: this program and TRL's DPOTrainer with PEFT",
    `SmolLM2-135M-Instruct, LoRA r 8 on q and v, DPO, effective batch ${RECIPE.effectiveBatch}, ` +
      `${epochs} epochs over ${rows} rows; ${threads} threads each, ${repeats} interleaved repeats, every ` +
      'measurement a process. This program computes in float32.',
    'Tokens of prompt and response of both sides of every pair, a shared prompt twice, over the seconds from ' +
      'the loaded model to the end: reference log-probs (ours from an empty cache), making graphs, all steps ' +
      'and, on our side, checkpoints and the scoring of one test row, before and after. Both programs get the ' +
      'same token ids in the same order, none cut, and start from the same adapter.',
    'Peak memory is resident, where a page counts as often as it is mapped; physical memory counts it once, and was ' +
      'looked at once a second.',
    `${machineLine(machine)}. ${versions.join(', ')}.`,
    ...sets.map(section),
    '',
  ].join('\n\n');
}

function section(comparison: TrainingComparison): string {
  const { set, sides, firstSteps, lossDifferences, trials, promptLength, responseLength } = comparison;
  return [
    `## ${set}: prompts of ${promptLength.toFixed(0)} tokens, responses of ${responseLength.toFixed(0)} (means)`,
    sidesTable(sides).trimEnd(),
    'The same work? Log-probs are means over the first effective batch.',
    table(
      ['', 'first loss', 'log-prob of chosen', 'of rejected', 'largest difference of a loss to ours'],
      sides.map(({ name }, at) => {
        const step = firstSteps[at]!;
        const logProbs = [step['logps/chosen'], step['logps/rejected']].map((value) => value.toFixed(3));
        return [name, step.loss.toFixed(5), ...logProbs, lossDifferences[at]!.toExponential(1)];
      }),
    ).trimEnd(),
    ...(trials.length === 0 ? [] : trialTable(trials)),
  ].join('\n\n');
}

function trialTable(trials: TrainingComparison['trials']): string[] {
  return [
    `TRL's settings tried, ${RECIPE.effectiveBatch} rows once each:`,
    table(
      ['', 'tokens/s', 'peak memory, GB'],
      trials.map(({ settings, tokensPerSecond, peakResidentBytes }) => [
        describeSettings(settings),
        tokensPerSecond.toFixed(1),
        (peakResidentBytes / 1e9).toFixed(2),
      ]),
    ).trimEnd(),
  ];
}
