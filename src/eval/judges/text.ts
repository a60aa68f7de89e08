/**
 * Reading an answer for the rule-based judges: its words, sentences and numbers, and the signs that it is
 * no writing of its own: a loop, the query said again, a list of key words.
 */

/** Compatibility forms and apostrophes written one way, no blank space around. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .trim();
}

/** Lower-case words; digits count, a hashtag is its word. */
export function words(text: string): string[] {
  return (
    plain(text)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? []
  );
}

const ABBREVIATIONS = /\b(?:e\.g|i\.e|a\.m|p\.m|u\.s|u\.k|etc|vs|approx|mr|mrs|ms|dr|st|no|inc|co|jr|sr)\.$/i;
const SENTENCE_END = /[.!?]+["')\u201d]*(?=\s|$)/g;

/**
 * The text cut after each full stop, question or exclamation mark that ends a sentence: dots within
 * numbers, after an initial or after a common abbreviation do not, unless the text ends there. What
 * stands behind the last one, a hashtag say, is a part of its own.
 */
export function sentenceParts(text: string): string[] {
  const whole = plain(text);
  const parts: string[] = [];
  let start = 0;
  for (const match of whole.matchAll(SENTENCE_END)) {
    const end = match.index + match[0].length;
    const part = whole.slice(start, end);
    if (end < whole.length && isAbbreviation(part, whole.slice(end))) continue;
    parts.push(part.trim());
    start = end;
  }
  const rest = whole.slice(start).trim();
  return rest === '' ? parts : [...parts, rest];
}

function isAbbreviation(part: string, rest: string): boolean {
  if (/\b(?:no|etc|co)\.$/i.test(part)) return /^\s+[\p{Ll}\d]/u.test(rest);
  return ABBREVIATIONS.test(part) || /(?:^|\s)\p{Lu}\.$/u.test(part);
}

/** Statements in lower case, without their ends: sentences, cut at semicolons and line breaks too. */
export function statements(text: string): string[] {
  return sentenceParts(text)
    .flatMap((part) => part.split(/;\s+|\n+/))
    .map((part) => part.toLowerCase().replace(/[\s.!?"')\u201d]+$/u, ''))
    .filter((part) => words(part).length > 0);
}

/** English words that carry grammar and name nothing. */
export const functionWords: ReadonlySet<string> = new Set(
  `a about after all also am an and another any are as at be because been before but by can can't cannot could
  did do does doesn't don't each else for from get had has have he her here his how i i'd i'll i'm i've if in
  into is isn't it it's its just like may me might more most must my no not of off on one only or other our ours
  out over own she should since so some such than that that's the their them then there these they this those
  to too until up upon us was we we'll we're were what when where which while who whom why will with within
  without won't would yes yet you you'll you're you've your yours`.split(/\s+/),
);

/** Words that people do say twice in a row: "so, so sorry", "I see that that is". */
const DOUBLED = new Set(['so', 'very', 'really', 'that', 'had', 'no', 'much', 'ha']);

function triplesOf(text: string): string[] {
  const all = words(text);
  return all.slice(2).map((word, index) => `${all[index]} ${all[index + 1]} ${word}`);
}

/**
 * Whether the text goes round in circles, as small models do: a word twice in a row (three times for words
 * that people double), three words running more than twice, a sentence twice, or fewer than half of at
 * least six words different.
 */
export function isLoop(text: string): boolean {
  const all = words(text);
  const doubled = [
    ...plain(text)
      .toLowerCase()
      .matchAll(/(?<![\p{L}'])([\p{L}']+) \1(?![\p{L}'])/gu),
  ];
  const repeats =
    doubled.some(([, word]) => !DOUBLED.has(word!)) ||
    all.some((word, index) => word === all[index + 1] && word === all[index + 2]);
  const counts = new Map<string, number>();
  for (const triple of triplesOf(text)) counts.set(triple, (counts.get(triple) ?? 0) + 1);
  const said = statements(text);
  return (
    repeats ||
    [...counts.values()].some((count) => count > 2) ||
    new Set(said).size < said.length ||
    (all.length >= 6 && new Set(all).size < all.length / 2)
  );
}

/** Whether the answer says little but the query again: more than half of its word triples stand there. */
export function isEcho(answer: string, query: string): boolean {
  const asked = new Set(triplesOf(query));
  const said = triplesOf(answer);
  if (said.length === 0) return words(answer).length > 0 && plain(answer) === plain(query);
  return said.filter((triple) => asked.has(triple)).length > 0.5 * said.length;
}

/**
 * Whether the text is running prose and the writer's own: six words or more, every fifth a function word
 * at least, no loop, and not mostly the query again.
 */
export function isProse(answer: string, query: string): boolean {
  const all = words(answer);
  if (all.length < 6 || isLoop(answer) || isEcho(answer, query)) return false;
  return all.filter((word) => functionWords.has(word)).length >= 0.2 * all.length;
}

const units =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const spelled = new RegExp(
  `\\b(?:(${tens.join('|')})(?:[ -](${units.slice(1, 10).join('|')}))?|(${units.join('|')}))\\b`,
  'gi',
);

/** The text with numbers below a hundred in digits: "forty-five days" becomes "45 days". A bare "one" stays. */
export function withDigits(text: string): string {
  return text.replace(spelled, (match, ten?: string, digit?: string) => {
    if (ten !== undefined) {
      const ones = digit === undefined ? 0 : units.indexOf(digit.toLowerCase());
      return String((tens.indexOf(ten.toLowerCase()) + 2) * 10 + ones);
    }
    return match.toLowerCase() === 'one' ? match : String(units.indexOf(match.toLowerCase()));
  });
}

/** The numbers of a text in which they stand as digits, in order. */
export function numbersOf(text: string): string[] {
  return text.match(/\d+(?:[.,:]\d+)*/g) ?? [];
}
