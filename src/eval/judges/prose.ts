/** Reading an answer for the rule-based judges: words, sentences, numbers, and whether it is prose at all. */

/** Words in lower case: letters, digits, apostrophes. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9']+/g) ?? [];
}

/** Sentences in lower case, without their ends. */
export function sentencesOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/(?<![ap]\.m)[.!?;\n]+(?:\s|$)/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}

const functionWords = new Set(
  `a about after all am an and any are as at be been but by can cannot did do does don't each for from get had
  has have here how i i'm if in is it it's its like may me more must my no not of on or our out so than that the
  their them then there they this to too until up us was we we'll what when where which while who will with
  within would you your`.split(/\s+/),
);

/**
 * Whether the text is running prose and the writer's own: six words or more, function words among them, no
 * loop (a run of three words three times, or a sentence twice), and not mostly the query again. What fails
 * this is a list of keywords, an echo, or a model that goes round in circles.
 */
export function isProse(answer: string, query: string): boolean {
  const words = wordsOf(answer);
  if (words.length < 6) return false;
  if (words.filter((word) => functionWords.has(word)).length < 0.25 * words.length) return false;
  const said = sentencesOf(answer);
  if (new Set(said).size < said.length) return false;
  const trigrams = trigramsOf(words);
  const counts = new Map<string, number>();
  for (const trigram of trigrams) counts.set(trigram, (counts.get(trigram) ?? 0) + 1);
  if (Math.max(...counts.values()) >= 3) return false;
  const asked = new Set(trigramsOf(wordsOf(query)));
  return trigrams.filter((trigram) => asked.has(trigram)).length <= 0.5 * trigrams.length;
}

function trigramsOf(words: readonly string[]): string[] {
  return words.slice(2).map((_, index) => words.slice(index, index + 3).join(' '));
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
