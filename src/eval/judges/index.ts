/** The rule-based judges by name: one for each built-in task, under the task's name. */
import { empathy } from './empathy.ts';
import { facts } from './facts.ts';
import { format } from './format.ts';
import { honesty } from './honesty.ts';
import type { RuleJudge } from './judge.ts';
import { safety } from './safety.ts';
import { voice } from './voice.ts';

const ruleJudges = { empathy, facts, voice, format, safety, honesty } satisfies Record<string, RuleJudge>;

export const ruleJudgeNames = Object.keys(ruleJudges) as (keyof typeof ruleJudges)[];

/** @throws {RangeError} for an unknown name; a run's config has been checked before. */
export function findRuleJudge(name: string): RuleJudge {
  const judge = Object.hasOwn(ruleJudges, name) ? ruleJudges[name as keyof typeof ruleJudges] : undefined;
  if (!judge) throw new RangeError(`no judge "${name}"`);
  return judge;
}
