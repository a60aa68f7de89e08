/**
 * CPPO: rows that are worth learning weigh more, those that are known or doubtful are rather kept as they are.
 * [Zhang et al. 2024, "CPPO: Continual Learning for Reinforcement Learning with Human Feedback", ICLR]
 *
 * The preference loss of a row becomes
 *
 *     alpha · loss + retention · beta · Σ over both responses (logp − logp_start)²
 *
 * logp_start being the log-prob when the task began. A row's alpha and beta are decided by where its chosen
 * log-prob and its reward margin lie among those of the effective batch: high is above mean + k standard
 * deviations, low below mean − k, with k the setting `deviations`. It is a weighting of any preference
 * objective; the SFT stage compares no responses and is left as it is.
 */
import * as z from 'zod';
import type { Objective } from '../objective/objective.ts';
import { add, multiply, subtract } from '../tensor/functions.ts';
import { defineMethod, type ScoredBatch } from './method.ts';

export const cppo = defineMethod({
  name: 'cppo',
  description: 'rows weighted for learning or for retention by their probability and reward (CPPO)',
  defaults: { objective: { name: 'dpo' }, replay: 'off', consolidation: null },
  settings: z.strictObject({
    /** The retention term's coefficient. */
    retention: z.number().nonnegative().default(0.1),
    deviations: z.number().nonnegative().default(1),
  }),
  readsReference: true,
  begin: ({ retention, deviations }) => ({
    weighting: {
      objective: weighted,
      constants(batch) {
        const weights = rowWeights(batch, deviations);
        return {
          [LEARNING]: Float64Array.from(weights, ({ alpha }) => alpha),
          [RETENTION]: Float64Array.from(weights, ({ beta }) => retention * beta),
          [START_CHOSEN]: batch.taskStart.chosen,
          [START_REJECTED]: batch.taskStart.rejected,
        };
      },
    },
  }),
});

const LEARNING = 'cppo_learning';
const RETENTION = 'cppo_retention';
const START_CHOSEN = 'cppo_start_chosen';
const START_REJECTED = 'cppo_start_rejected';

function weighted(objective: Objective): Objective {
  return {
    ...objective,
    key: `cppo ${objective.key}`,
    constants: [...objective.constants, LEARNING, RETENTION, START_CHOSEN, START_REJECTED],
    expression: (inputs) => {
      const chosen = subtract(inputs.chosenLogp, inputs.constant(START_CHOSEN));
      const rejected = subtract(inputs.rejectedLogp, inputs.constant(START_REJECTED));
      const moved = add(multiply(chosen, chosen), multiply(rejected, rejected));
      const learned = multiply(inputs.constant(LEARNING), objective.expression(inputs));
      return add(learned, multiply(inputs.constant(RETENTION), moved));
    },
  };
}

export interface RowWeights {
  /** Of the loss. */
  readonly alpha: number;
  /** Of the retention term. */
  readonly beta: number;
}

type Level = 'high' | 'low' | 'middle';

/** By the level of the chosen log-prob and that of the reward margin; rows of any other levels weigh 1 and 1. */
const weightsByLevels: Partial<Record<`${Level} ${Level}`, RowWeights>> = {
  'high high': { alpha: 2, beta: 2 },
  'high low': { alpha: 2, beta: 0.5 },
  'low high': { alpha: 2, beta: 0.5 },
  'low low': { alpha: 0.5, beta: 0.5 },
};

/** Margins are differences of log-ratios in nats: a common factor of all rewards changes no level. */
export function rowWeights(
  { policy, reference }: Omit<ScoredBatch, 'taskStart'>,
  deviations: number,
): RowWeights[] {
  const probabilities = levels(policy.chosen, deviations);
  const margins = policy.chosen.map(
    (chosen, row) => chosen - reference.chosen[row]! - (policy.rejected[row]! - reference.rejected[row]!),
  );
  const rewards = levels(margins, deviations);
  return probabilities.map(
    (level, row) => weightsByLevels[`${level} ${rewards[row]!}`] ?? { alpha: 1, beta: 1 },
  );
}

/** Against mean and standard deviation of the values themselves, which are the whole batch. */
function levels(values: Float64Array, deviations: number): Level[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const distance = deviations * Math.sqrt(variance);
  return Array.from(values, (value) =>
    value > mean + distance ? 'high' : value < mean - distance ? 'low' : 'middle',
  );
}
