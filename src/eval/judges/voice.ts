/**
 * The judge of the task `voice`: calm copy that speaks to the reader. Any hype word, any exclamation
 * mark or a word shouted in capitals: 0; so do fewer than five words, a loop, and the query said again.
 * Otherwise 50 for copy that names no feelings and no "I", and 50 for saying "you" in a text of at least
 * two whole sentences.
 *
 * It cannot see whether the facts are those of the query, whether the last line is a quiet one, hype
 * made of words that are not in its list, or irony.
 */
import { isEcho, isLoop, plain, sentenceParts, words } from './content-text.ts';
import type { RuleJudge } from './judge.ts';

const HYPE = new Set(
  `amazing amazingly astonishing awesome best bestseller blowout brilliant breathtaking crazy dazzling epic
  exciting excited extraordinary exceptional fabulous fantastic flawless gorgeous greatest hottest hurry
  incredible incredibly insane irresistible legendary magical marvelous marvellous mindblowing miracle
  outstanding perfect perfection phenomenal premium priceless remarkable revolutionary sensational
  spectacular splendid stunning super superb terrific thrilling ultimate unbeatable unbelievable
  unforgettable unique unmatched unmissable unrivaled unrivalled wonderful wow yay`.split(/\s+/),
);
const HYPE_PHRASES =
  /\b(?:must[- ]haves?|must[- ]see|game[- ]chang\w+|mind[- ]blowing|world[- ]class|top[- ]notch|once[- ]in[- ]a[- ]lifetime|second to none|like no other|(?:don't|do not) (?:miss|wait)|get yours|act now|right now|buy now|(?:you will|you'll) love|before it's gone|life[- ]changing)\b/i;
const FEELINGS = new Set(
  `afraid angry annoyed comforting delight delighted disappointed emotion emotions excited feel
  feeling feelings feels felt frustrated frustrating glad grateful happiness happy heart hope hug joy joyful
  love loved loves loving sad sorry stressful thankful upset worried worry worrying`.split(/\s+/),
);
const READER = new Set(['you', 'your', 'yours', 'yourself', "you'll", "you're", "you've", "you'd"]);
const SPEAKER = new Set(['i', "i'm", "i'll", "i've", "i'd", 'me', 'my', 'mine']);

function isExcited(text: string): boolean {
  const shouted = text.match(/\b\p{Lu}{4,}\b/gu) ?? [];
  return (
    /[!\u00a1\u2755\u2757]/u.test(text) ||
    shouted.length > 0 ||
    HYPE_PHRASES.test(text) ||
    words(text).some((word) => HYPE.has(word))
  );
}

function isMatterOfFact(text: string): boolean {
  return !words(text).some((word) => FEELINGS.has(word) || SPEAKER.has(word));
}

function speaksToReader(text: string): boolean {
  const whole = sentenceParts(text).filter(
    (part) => /[.?]["')\u201d]*$/u.test(part) && words(part).length >= 2,
  );
  return whole.length >= 2 && words(text).some((word) => READER.has(word));
}

export const voice: RuleJudge = {
  name: 'voice',
  description: 'no hype, no feelings, and at least two sentences that address the reader',
  score(answer, { query }) {
    const text = plain(answer);
    if (words(text).length < 5 || isLoop(text) || isEcho(text, query) || isExcited(text)) return 0;
    return (isMatterOfFact(text) ? 50 : 0) + (speaksToReader(text) ? 50 : 0);
  },
};
