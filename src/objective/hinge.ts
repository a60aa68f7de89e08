/** Sequence likelihood calibration's hinge loss on log-ratios. [Zhao et al. 2023, arXiv:2305.10425; Liu et al. 2023, arXiv:2309.06657] */
import * as z from 'zod';
import { relu, scalar, subtract } from '../tensor/functions.ts';
import { REFERENCE_CONSTANTS, rewardMargin } from './log-ratio.ts';
import type { Objective } from './objective.ts';
import { beta, settingsKey } from './settings.ts';

export const hingeSettings = z.strictObject({
  name: z.literal('hinge'),
  beta: beta.default(0.1),
});

/** max(0, 1 − r), r the reward margin: pairs that lead by 1 / beta nats are left alone. */
export function hinge(settings: z.infer<typeof hingeSettings>): Objective {
  return {
    name: settings.name,
    key: settingsKey(settings),
    responses: 'pair',
    normalizer: 'rows',
    constants: REFERENCE_CONSTANTS,
    expression: (inputs) => relu(subtract(scalar(1), rewardMargin(inputs, settings.beta))),
  };
}
