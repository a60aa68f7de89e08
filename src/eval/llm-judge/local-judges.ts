/** Judges that ask nobody, in the interface of all judges: the rules, and the policy's own preference. */
import type { RuleJudge } from '../judges/judge.ts';
import { prefersChosen, type RowScore } from '../preference.ts';
import { freeReport, type Judge } from './judge.ts';

/** A rule judge as one of all judges. @throws {UserError} as the rule does, for a query it cannot read. */
export function liftRuleJudge(rule: RuleJudge): Judge {
  return {
    name: rule.name,
    description: rule.description,
    async judge(items, { signal } = {}) {
      signal?.throwIfAborted();
      return freeReport(items.map((item) => rule.score(item.answer, item)));
    },
  };
}

/**
 * The log-prob judge: its items are rows as `engine.score` scored them, and a row earns 100 if the policy
 * gives its chosen response the higher mean log-prob per token. The mean is the preference accuracy.
 */
export const preferenceJudge: Judge<RowScore> = {
  name: 'preference',
  description: 'the chosen response has the higher mean log-prob per token under the policy',
  async judge(rows, { signal } = {}) {
    signal?.throwIfAborted();
    return freeReport(rows.map((row) => 100 * prefersChosen(row)));
  },
};
