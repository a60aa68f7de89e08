/** Reading an answer for the judges of the content tasks: its words, its sentences, signs of a loop. */

/** Lower-case words with typographic apostrophes made plain; digits count, a hashtag is its word. */
export function words(text: string): string[] {
  return (
    plain(text)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:'[\p{L}]+)*/gu) ?? []
  );
}

/** Compatibility forms and apostrophes written one way, no blank space around. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .trim();
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

/**
 * Whether the text goes round in circles, as small models do: a word three times in a row, three words
 * running more than twice, or fewer than half of at least six words different.
 */
export function isLoop(text: string): boolean {
  const all = words(text);
  const triples = new Map<string, number>();
  for (let i = 0; i + 3 <= all.length; i++) {
    const [a, b, c] = all.slice(i, i + 3);
    if (a === b && b === c) return true;
    const triple = `${a} ${b} ${c}`;
    const count = (triples.get(triple) ?? 0) + 1;
    if (count > 2) return true;
    triples.set(triple, count);
  }
  return all.length >= 6 && new Set(all).size < all.length / 2;
}

/** Whether the answer says little but the query again: four fifths of its word triples stand there. */
export function isEcho(answer: string, query: string): boolean {
  const triples = (text: string): string[] => {
    const all = words(text);
    return all.slice(2).map((word, index) => `${all[index]} ${all[index + 1]} ${word}`);
  };
  const asked = new Set(triples(query));
  const said = triples(answer);
  if (said.length === 0) return words(answer).length > 0 && plain(answer) === plain(query);
  return said.filter((triple) => asked.has(triple)).length >= 0.8 * said.length;
}
