/** Every objective, every setting away from its default at least once. */
import type { LogProbBatch } from './evaluate-objective.ts';

export const VARIANTS: readonly Record<string, unknown>[] = [
  { name: 'sft' },
  { name: 'fpo' },
  { name: 'fpo', beta: 0.5, gamma: 0 },
  { name: 'fpo', gamma: 5 },
  { name: 'fpo', beta: 0.3, gamma: 1.5, label_smoothing: 0.1 },
  { name: 'dpo' },
  { name: 'dpo', beta: 0.3, label_smoothing: 0.2 },
  { name: 'ipo' },
  { name: 'ipo', beta: 0.2, length_normalized: false },
  { name: 'simpo' },
  { name: 'simpo', beta: 2.5, gamma: 1.4, label_smoothing: 0.1 },
  { name: 'orpo' },
  { name: 'orpo', lambda: 0.5 },
  { name: 'kto' },
  { name: 'kto', beta: 0.3, desirable_weight: 1.5, undesirable_weight: 0.5 },
  { name: 'hinge' },
  { name: 'hinge', beta: 0.5 },
];

/** Two rows of middling numbers on which every setting of every objective makes a difference. */
export const SAMPLE: LogProbBatch = {
  chosen: [-14, -30],
  rejected: [-22, -21],
  chosenLength: [7, 12],
  rejectedLength: [9, 16],
  constants: { reference_chosen: [-15, -26], reference_rejected: [-19, -24], kl: [0.5, 0.5] },
};
