/** Direct preference optimization. [Rafailov et al. 2023, arXiv:2305.18290, eq. 7] */
import * as z from 'zod';
import { negativeLogSigmoid, REFERENCE_CONSTANTS, rewardMargin, withLabelSmoothing } from './log-ratio.ts';
import type { Objective } from './objective.ts';
import { beta, labelSmoothing, settingsKey } from './settings.ts';

export const dpoSettings = z.strictObject({
  name: z.literal('dpo'),
  beta: beta.default(0.1),
  label_smoothing: labelSmoothing,
});

/** −log sigmoid(r), r the reward margin; with label smoothing, conservative DPO. */
export function dpo(settings: z.infer<typeof dpoSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: REFERENCE_CONSTANTS,
    expression: (inputs) =>
      withLabelSmoothing(negativeLogSigmoid, rewardMargin(inputs, settings.beta), settings.label_smoothing),
  };
}
