/** From a question to a verdict or the reason why there is none, counting what it took. */
import { sum } from './budget.ts';
import type { JudgeClient } from './client.ts';
import type { JudgeReport, UnscoredItem } from './judge.ts';
import type { Question } from './questions.ts';
import type { Control } from './sender.ts';
import { saysNo } from './verdict.ts';

export type NoVerdict = Omit<UnscoredItem, 'index'>;
export type Outcome<Verdict> =
  | { readonly verdict: Verdict; readonly none?: undefined }
  | { readonly none: NoVerdict };

/** Of a reply no more than this is quoted in a reason. */
const MOST_QUOTED = 120;

/** What one call of a judge has cost so far. */
export class Tally {
  requests = 0;
  cached = 0;
  tokens = { prompt: 0, reply: 0 };

  /** The report of the call whose items came out so. */
  report(client: JudgeClient, outcomes: readonly Outcome<number>[]): JudgeReport {
    const unscored = outcomes.flatMap(({ none }, index) => (none ? [{ index, ...none }] : []));
    const refusals = unscored.filter(({ kind }) => kind === 'refusal').length;
    return {
      scores: outcomes.map((outcome) => (outcome.none ? null : outcome.verdict)),
      refusals,
      failures: unscored.length - refusals,
      unscored,
      requests: this.requests,
      cached: this.cached,
      tokens: this.tokens,
      cost: client.costOf(this.tokens),
    };
  }
}

/**
 * Asks; where the reply is not in the asked format, once more. A marked refusal stands at once.
 * @throws as `JudgeClient.ask`.
 */
export async function ask<Verdict>(
  client: JudgeClient,
  question: Question,
  parse: (reply: string) => Verdict | undefined,
  tally: Tally,
  control: Control,
): Promise<Outcome<Verdict>> {
  let none: NoVerdict | undefined;
  for (const messages of [question.messages, question.again]) {
    const asked = await client.ask(messages, control);
    tally.requests += asked.requests;
    if (asked.requests === 0) tally.cached++;
    if (asked.rejection !== undefined) return { none: { kind: 'failure', reason: asked.rejection } };
    const { reply } = asked;
    if (asked.requests > 0 && reply.usage) tally.tokens = sum(tally.tokens, reply.usage);
    if (reply.refusal !== null || reply.finishReason === 'content_filter') {
      return { none: { kind: 'refusal', reason: `refused: ${quoted(reply.refusal ?? reply.text)}` } };
    }
    const verdict = parse(reply.text);
    if (verdict !== undefined) return { verdict };
    none = noVerdict(reply.text, reply.finishReason);
  }
  return { none: none! };
}

function noVerdict(text: string, finishReason: string | null): NoVerdict {
  if (saysNo(text)) return { kind: 'refusal', reason: `refused: ${quoted(text)}` };
  const why = finishReason === 'length' ? 'cut at max_reply_tokens' : 'not in the asked format';
  return { kind: 'failure', reason: `${why}: ${quoted(text)}` };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text);
}
