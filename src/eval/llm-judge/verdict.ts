/**
 * Reads verdicts out of replies. Only the asked object by itself is one, bare or in a single code fence:
 * no second key, no key twice, no fraction, no number in quotes, no word beside it. What would have to be
 * guessed is no verdict.
 */

const RATING = /^\{\s*"score"\s*:\s*(10|[1-9])\s*\}$/;
const COMPARISON = /^\{\s*"better"\s*:\s*"(A|B|tie)"\s*\}$/;
const CODE_FENCE = /^```(?:json)?[ \t]*\r?\n([\s\S]*?)\r?\n```$/;

/** 1 to 10; undefined where the reply says no such thing. */
export function parseRating(reply: string): number | undefined {
  const score = RATING.exec(unfenced(reply))?.[1];
  return score === undefined ? undefined : Number(score);
}

export type Better = 'A' | 'B' | 'tie';

export function parseComparison(reply: string): Better | undefined {
  return COMPARISON.exec(unfenced(reply))?.[1] as Better | undefined;
}

function unfenced(reply: string): string {
  const text = reply.trim();
  return (CODE_FENCE.exec(text)?.[1] ?? text).trim();
}

/** Whether a reply that holds no verdict says in words that the model will not judge. */
export function saysNo(reply: string): boolean {
  return /^\W*(?:(?:i['’]?m|i am|we['’]re|we are) (?:very |so |truly )?(?:sorry|unable|not able|not willing)|sorry\b|i (?:can['’]?t|cannot|can not|won['’]?t|will not|must decline|decline|refuse)|i['’]m afraid i|unfortunately,? i (?:can|am|will))/i.test(
    reply,
  );
}
