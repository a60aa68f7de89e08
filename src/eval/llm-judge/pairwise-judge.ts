/**
 * A language model compares two answers to the same question. Models favour a position, so each pair is
 * asked in both orders, and an answer wins only if it wins in both.
 */

import { silentProgress } from '../../support/progress.ts';
import { ask, type Outcome, Tally } from './ask.ts';
import type { JudgeClient } from './client.ts';
import type { Judge, JudgedAnswer, JudgeReport } from './judge.ts';
import { mapConcurrently } from './pool.ts';
import { findRubric, PROMPT_VERSION, type Rubric, type RubricName } from './prompts.ts';
import { comparisonQuestion } from './questions.ts';
import type { Control } from './sender.ts';
import { parseComparison } from './verdict.ts';

export interface JudgedPair extends JudgedAnswer {
  /** What `answer` is compared with. */
  readonly other: string;
}

export type PairVerdict = 'win' | 'loss' | 'tie';

/** `scores` are 100 for a win, 50 for a tie, 0 for a loss: their mean is the win rate, ties counted half. */
export interface PairwiseReport extends JudgeReport {
  /** Of `answer` against `other`; null where either order brought no verdict. */
  readonly verdicts: readonly (PairVerdict | null)[];
  readonly wins: number;
  readonly losses: number;
  readonly ties: number;
  /** % of judged pairs whose two orders gave different verdicts; they are among the ties. null: none judged. */
  readonly disagreement: number | null;
}

interface Compared {
  readonly verdict: PairVerdict;
  readonly ordersAgree: boolean;
}

const PERCENT: Readonly<Record<PairVerdict, number>> = { win: 100, tie: 50, loss: 0 };

/** Stopped half-way it behaves as a rating judge does. */
export function createPairwiseJudge(
  client: JudgeClient,
  rubricName: RubricName,
): Judge<JudgedPair, PairwiseReport> {
  const rubric = findRubric(rubricName);
  return {
    name: `llm-pairwise:${rubricName}`,
    description: `${client.model} compares ${rubric.subject} in both orders (prompt version ${PROMPT_VERSION})`,
    async judge(items, { signal, progress = silentProgress } = {}) {
      const tally = new Tally();
      const shown = progress({ label: `compare ${rubricName}`, total: items.length, unit: 'pairs' });
      try {
        const { concurrency } = client.settings;
        const outcomes = await mapConcurrently(items, concurrency, signal, async (pair, _, control) => {
          const outcome = await compare(client, rubric, pair, tally, control);
          shown.advance(1);
          return outcome;
        });
        return pairwiseReport(client, tally, outcomes);
      } finally {
        shown.stop();
      }
    },
  };
}

async function compare(
  client: JudgeClient,
  rubric: Rubric,
  pair: JudgedPair,
  tally: Tally,
  control: Control,
): Promise<Outcome<Compared>> {
  // Both orders are the same question then: a favoured position would look like disagreement.
  if (pair.answer === pair.other) return { verdict: { verdict: 'tie', ordersAgree: true } };
  const verdicts: PairVerdict[] = [];
  for (const first of ['answer', 'other'] as const) {
    const second = first === 'answer' ? 'other' : 'answer';
    const question = comparisonQuestion(rubric, pair, { a: pair[first], b: pair[second] });
    const outcome = await ask(client, question, parseComparison, tally, control);
    if (outcome.none) return outcome;
    const better = { A: first, B: second, tie: 'tie' }[outcome.verdict];
    verdicts.push(better === 'tie' ? 'tie' : better === 'answer' ? 'win' : 'loss');
  }
  const ordersAgree = verdicts[0] === verdicts[1];
  return { verdict: { verdict: ordersAgree ? verdicts[0]! : 'tie', ordersAgree } };
}

function pairwiseReport(
  client: JudgeClient,
  tally: Tally,
  outcomes: readonly Outcome<Compared>[],
): PairwiseReport {
  const compared = outcomes.flatMap((outcome) => (outcome.none ? [] : [outcome.verdict]));
  const count = (verdict: PairVerdict) => compared.filter((pair) => pair.verdict === verdict).length;
  const disagreeing = compared.filter((pair) => !pair.ordersAgree).length;
  return {
    ...tally.report(
      client,
      outcomes.map((outcome) => (outcome.none ? outcome : { verdict: PERCENT[outcome.verdict.verdict] })),
    ),
    verdicts: outcomes.map((outcome) => (outcome.none ? null : outcome.verdict.verdict)),
    wins: count('win'),
    losses: count('loss'),
    ties: count('tie'),
    disagreement: compared.length === 0 ? null : (100 * disagreeing) / compared.length,
  };
}
