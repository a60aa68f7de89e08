/** A language model as judge: it rates each answer from 1 to 10, which tables show times ten. */

import { silentProgress } from '../../support/progress.ts';
import { ask, Tally } from './ask.ts';
import type { JudgeClient } from './client.ts';
import type { Judge } from './judge.ts';
import { mapConcurrently } from './pool.ts';
import { findRubric, PROMPT_VERSION, type RubricName } from './prompts.ts';
import { ratingQuestion } from './questions.ts';
import { parseRating } from './verdict.ts';

/**
 * Scores are 10 to 100. Of one that stopped half-way (a limit, an endpoint that is gone, an abort) nothing
 * is returned, and nothing paid for is lost: the replies are in the cache, and a rerun goes on from there.
 */
export function createRatingJudge(client: JudgeClient, rubricName: RubricName): Judge {
  const rubric = findRubric(rubricName);
  return {
    name: `llm:${rubricName}`,
    description: `${client.model} rates ${rubric.subject} from 1 to 10 (prompt version ${PROMPT_VERSION})`,
    async judge(items, { signal, progress = silentProgress } = {}) {
      const tally = new Tally();
      const shown = progress({ label: `judge ${rubricName}`, total: items.length, unit: 'answers' });
      try {
        const { concurrency } = client.settings;
        const outcomes = await mapConcurrently(items, concurrency, signal, async (item, _, control) => {
          const outcome = await ask(client, ratingQuestion(rubric, item), parseRating, tally, control);
          shown.advance(1);
          return outcome.none ? outcome : { verdict: 10 * outcome.verdict };
        });
        return tally.report(client, outcomes);
      } finally {
        shown.stop();
      }
    },
  };
}
