/**
 * The judge of the task `voice`: calm copy for the product asked about that speaks to the reader. 0 for any
 * hype word, pressure to buy, an exclamation mark or a word shouted in capitals; so for what is no prose of
 * its own, and for a text about something else. Otherwise 50 for copy that names no feelings and no "I", and
 * 50 for saying "you" in a text of at least two whole sentences; half of that if it has at least two of the
 * query's words but does not name the product.
 *
 * It cannot see whether all facts are those of the query, a product that shares one word with the one asked
 * for (a clay bowl for a clay mug), whether the last line is a quiet one, hype and pressure made of words
 * that are not in its lists, or irony.
 */
import type { JudgedPrompt, RuleJudge } from './judge.ts';
import { isProse, plain, sentenceParts, words } from './text.ts';
import { contentWords, countShared, thingOf, withoutLists } from './topic.ts';

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
const PRESSURE =
  /\b(?:(?:buy|order|get|grab|come|visit|run|rush|shop|call|try)\b[^.?]{0,30}\b(?:now|today|tonight|at once|immediately|while)|(?:run|rush|hurry) to|buy (?:one|it|this|yours|more|now|only)|be (?:the|one of the|among the) first|(?:you|everyone|everybody) (?:\w+ )?(?:must|have to|need to|has to)\b(?! not)|must (?:see|buy|have|own|try|get)|only one thing|(?:tell|show) (?:everyone|everybody|all your friends)|every(?:one|body) (?:wants|needs|is talking|will want)|(?:don't|do not|never|why) (?:wait|miss|let|hesitate|delay)|no time to (?:lose|waste)|last chance|limited (?:time|offer|edition)|sell(?:s|ing) (?:out|fast)|while (?:stocks?|supplies) last|too late|you(?:'ll| will) (?:want|need|wish|never|not believe|be amazed)|how fast|takes? over|of all time|once and)\b/i;
const FEELINGS = new Set(
  `afraid angry annoyed comforting delight delighted disappointed emotion emotions excited feel
  feeling feelings feels felt frustrated frustrating glad grateful happiness happy heart hope hug joy joyful
  love loved loves loving sad sorry stressful thankful upset worried worry worrying`.split(/\s+/),
);
const READER = new Set(['you', 'your', 'yours', 'yourself', "you'll", "you're", "you've", "you'd"]);
const SPEAKER = new Set(['i', "i'm", "i'll", "i've", "i'd", 'me', 'my', 'mine']);

function isExcited(text: string): boolean {
  const shouted = (text.match(/\b\p{Lu}{4,}\b/gu) ?? []).filter((word) => word !== 'FREE');
  const said = words(text.replace(/\bperfect(?:ly)? fits?\b/gi, 'fit'));
  return (
    /[!\u00a1\u2755\u2757]/u.test(text) ||
    shouted.length > 0 ||
    HYPE_PHRASES.test(text) ||
    PRESSURE.test(text) ||
    said.some((word) => HYPE.has(word))
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

/** 1 for a text about the product, one half for the query's facts about another one, 0 else. */
function aboutness(text: string, prompt: JudgedPrompt): number {
  const said = contentWords(withoutLists(text));
  if (countShared(said, thingOf(prompt)) > 0) return 1;
  return countShared(said, contentWords(prompt.query)) >= 2 ? 0.5 : 0;
}

export const voice: RuleJudge = {
  name: 'voice',
  description: 'about the product, no hype, no feelings, and at least two sentences that address the reader',
  score(answer, prompt) {
    const text = plain(answer);
    if (!isProse(text, prompt.query) || isExcited(text)) return 0;
    return aboutness(text, prompt) * ((isMatterOfFact(text) ? 50 : 0) + (speaksToReader(text) ? 50 : 0));
  },
};
