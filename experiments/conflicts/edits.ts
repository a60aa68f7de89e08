/** Light edits and paraphrases of English texts by rule: what a second annotator or a reworded prompt looks like. */
import type { Random } from '../../src/support/random.ts';

/** Everyday rewordings, either way round; whole words only. */
const REWORDINGS: readonly (readonly [string, string])[] = [
  ['what is', "what's"],
  ['it is', "it's"],
  ['i am', "i'm"],
  ['do not', "don't"],
  ['cannot', "can't"],
  ['how can i', 'how do i'],
  ['how would i', 'how could i'],
  ['what are some', 'can you name a few'],
  ['tell me', 'let me know'],
  ['i want to', "i'd like to"],
  ['i need', 'i am looking for'],
  ['can you', 'could you'],
  ['would you', 'will you'],
  ['help me', 'give me a hand'],
  ['good', 'great'],
  ['best', 'most suitable'],
  ['make', 'create'],
  ['get', 'obtain'],
  ['buy', 'purchase'],
  ['show', 'demonstrate'],
  ['think', 'believe'],
  ['use', 'employ'],
  ['start', 'begin'],
  ['big', 'large'],
  ['small', 'little'],
  ['people', 'persons'],
  ['really', 'truly'],
  ['very', 'extremely'],
  ['kind of', 'sort of'],
  ['maybe', 'perhaps'],
  ['many', 'a lot of'],
  ['also', 'as well'],
  ['about', 'regarding'],
  ['because', 'since'],
  ['but', 'however'],
  ['sure', 'certainly'],
  ['sorry', 'my apologies'],
  ['hard', 'difficult'],
  ['easy', 'simple'],
  ['important', 'essential'],
  ['find', 'locate'],
  ['try', 'attempt'],
  ['ask', 'inquire'],
  ['answer', 'reply'],
  ['friend', 'pal'],
  ['money', 'cash'],
  ['children', 'kids'],
  ['job', 'position'],
  ['home', 'house'],
];

/** Each word misspelt, left out or doubled with this chance. */
const TYPO_SHARE = 0.03;

/** Typing mistakes, another case, another punctuation: a text that was written down twice. */
export function lightlyEdited(text: string, random: Random): string {
  const words = text.split(' ').map((word) => {
    if (random.uniform() >= TYPO_SHARE || word.length < 4) return word;
    const at = 1 + random.integer(word.length - 2);
    const kind = random.integer(3);
    if (kind === 0) return word.slice(0, at) + word.slice(at + 1);
    if (kind === 1) return word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2);
    return `${word} ${word}`;
  });
  const joined = words.join(' ');
  const kind = random.integer(4);
  if (kind === 0) return joined.toLowerCase();
  if (kind === 1) return joined.replace(/[.,!?]/g, '');
  if (kind === 2) return joined.replace(/ {2}/g, ' ').replace(/[.?!]$/, '...');
  return joined;
}

/** The same said in other words wherever the list has some, sentences in another order, a word of courtesy. */
export function paraphrased(text: string, random: Random): string {
  let said = text;
  for (const [one, other] of REWORDINGS) {
    const pattern = new RegExp(`\\b(?:${one}|${other.replace(/[']/g, "[’']")})\\b`, 'gi');
    said = said.replace(pattern, (found) => (found.toLowerCase() === one ? other : one));
  }
  const lines = said.split('\n').map((line) => {
    const sentences = line.split(/(?<=[.!?]) +/);
    if (sentences.length < 3 || random.uniform() < 0.5) return line;
    return [sentences[0], ...sentences.slice(2), sentences[1]].join(' ');
  });
  return lines.join('\n');
}

/** Paraphrased, clauses the other way round, and short words left out more often than not: as notes are taken. */
export function retold(text: string, random: Random): string {
  const lines = paraphrased(text, random).split('\n');
  return lines
    .map((line) =>
      line
        .split(/(?<=[.!?]) +/)
        .map((sentence) => {
          const clauses = sentence.split(/, +/).reverse().join(', ');
          const words = clauses.split(' ').filter((word) => word.length > 3 || random.uniform() < 0.4);
          return words.join(' ');
        })
        .join(' '),
    )
    .join('\n');
}
