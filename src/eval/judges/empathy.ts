/**
 * Judges answers of the task `empathy`: is the customer's trouble acknowledged, and is there a next step?
 *
 * An acknowledgement is an apology of the shop's or the customer's feeling named as understood; without one
 * the score is 0. An answer that speaks of nothing the customer wrote of, neither thing nor trouble, gets
 * a quarter at most.
 *
 * It cannot see whether feeling or step fit what happened, another trouble with the same thing, whether
 * kindness is meant (an apology followed by blame counts), or acknowledgements without any of the usual words.
 */
import type { RuleJudge } from './judge.ts';
import { isProse, plain, statements } from './text.ts';
import { isAbout } from './topic.ts';

const feeling =
  '(?:frustrat|upset|annoy|angry|anger|unhappy|disappoint|sad\\b|stress|hard\\b|difficult|inconvenien|unpleasant|worr|mad\\b|tired|tiring|hurt|painful|awful|unfair)';
const gap = (words: number) => `(?:[a-z0-9']+,? ){0,${words}}`;

const acknowledgements = [
  `\\b(?:i|we|i'm|we're) ${gap(4)}sorry\\b(?! to say| not\\b|,? but)`,
  `^(?:(?:oh|hello|hi),? )?${gap(2)}sorry (?:that|about|for|to hear|you|your)\\b`,
  `\\b(?:i|we) ${gap(4)}apologi[sz]e`,
  `\\b(?:my|our) ${gap(3)}apolog(?:y|ies)\\b`,
  `\\b(?:that|this|it) (?:must|has to|can|would|sounds|is so|is really|is very) ${gap(4)}${feeling}`,
  `\\b(?:i|we|i'm|we're)(?: |'ve ).{0,16}(?:understand|see|know|imagine|appreciate|hear|realise|realize) ${gap(6)}${feeling}`,
  `\\bright to ${gap(2)}(?:be|feel) ${gap(2)}${feeling}`,
  `\\b(?:i|i'd|we|anyone|anybody|everyone) ${gap(1)}(?:be|feel) ${gap(2)}${feeling}`,
  `^(?:(?:my|our|please accept my|please accept our) )?${gap(2)}apologies (?:for|that|about)\\b`,
  `\\byour (?:frustration|anger|disappointment|worry|stress|upset|annoyance|concern)s? (?:is|are|makes?) ${gap(2)}(?:valid|understandable|understood|justified|fair|right|reasonable|sense)\\b`,
  '\\byou ((?:certainly|really|surely) )?deserved? (?:much )?better\\b',
].map((pattern) => new RegExp(pattern, 'g'));

const negator = /\b(?:not|never|no|hardly|cannot|without)\b|n't\b/;
/** "I can't imagine how hard that is" denies nothing. */
const idiom = /\b(?:can't|cannot|can not) (?:even )?imagine\b|\b(?:can't|cannot) apologi[sz]e enough\b/g;

const action =
  '(?:send|sent|call|phone|ask|bring|refund|replace|write|order|cancel|check|look|keep|give|get|receive|leave|email|reply|pay|ship|return|contact|find|arrange|fix|repair|answer|read|collect|track|exchange|be back|tell|let|use|start|open|choose|click)';
const steps = [
  `(?:\\bwill|'ll|\\bgoing to|\\blet me|\\bi can|\\bwe can|\\bplease) (${gap(4)})${action}`,
  `\\b(?:i|we) (?:have|'ve|just) ?((?:just|already|now) )*(?:sent|ordered|asked|called|refunded|arranged|replaced|shipped)`,
  '\\b(?:i|we) (?:am|are) (?:now )?(?:sending|ordering|calling|asking|refunding|replacing|shipping|arranging)',
].map((pattern) => new RegExp(pattern, 'g'));

/** Troubles that have many names. */
const troubles = [
  /\b(?:answer|reply|replie|respon|wrote|writ(?:e|es|ten) back|emails\b)/i,
  /\b(?:charge[sd]?|twice|two times|double)\b/i,
  /\b(?:late|delayed?|waiting|overdue|did not come|has not (?:come|arrived))\b/i,
  /\b(?:broken?|torn|damaged?|cracked|ripped|faulty|defective)\b/i,
  /\b(?:dirty|stain(?:s|ed)?|filthy|soiled)\b/i,
  /\b(?:lost|missing|cannot find)\b/i,
];
/** For an answer that could be said to any customer. */
const untold = 25;

type Reading = 'absent' | 'said' | 'denied';

/** Whether a pattern occurs in the sentence; "denied" if a negation stands in it or in the three words before. */
function read(sentence: string, patterns: readonly RegExp[]): Reading {
  let reading: Reading = 'absent';
  for (const pattern of patterns) {
    for (const match of sentence.matchAll(pattern)) {
      const before = sentence
        .slice(0, match.index)
        .split(/[,:]| and | but /)
        .at(-1)!
        .split(' ')
        .slice(-4)
        .join(' ');
      if (negator.test(`${before}${match[0]}`)) return 'denied';
      reading = 'said';
    }
  }
  return reading;
}

export const empathy: RuleJudge = {
  name: 'empathy',
  description:
    "an apology or the customer's feeling acknowledged (without it 0); a concrete next step; on this trouble",
  score(answer, prompt) {
    if (!isProse(answer, prompt.query)) return 0;
    const said = statements(plain(answer)).map((sentence) => sentence.replace(idiom, 'imagine'));
    const acknowledged = said.map((sentence) => read(sentence, acknowledgements));
    if (!acknowledged.includes('said') || acknowledged.includes('denied')) return 0;
    const score = said.some((sentence) => read(sentence, steps) === 'said') ? 100 : 50;
    return isAbout(answer, prompt, troubles) ? score : Math.min(score, untold);
  },
};
