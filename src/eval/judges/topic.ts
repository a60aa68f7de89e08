/**
 * Is an answer about what was asked? Read from the words that name something, so that it works for rows of
 * any origin; function words and the small change of shop talk name nothing.
 *
 * It cannot see an answer that names every thing there may be, spread over sentences rather than in a list.
 */
import type { JudgedPrompt } from './judge.ts';
import { functionWords, plain, words } from './text.ts';

const GENERIC = new Set(
  `able accept again ago ahead always angry annoyed annoying anybody anyone anything apologise apologize apology
  arrange available away back bad best better black blue bought box bring brown business buy buyer
  buying call came check clear come copy customer
  day dear detail driver email even ever every everybody everyone everything exactly explain fair feel few find first
  five form found four free friendly frustrating full gave green grey getting give glad go good got great happen happy hear
  hello hi home honest however i'm idea instead invent keep kind know last later let line list long look lot make made
  many matter message minute mistake moment morning must name near never new next nobody note nothing now number
  offer old once open opinion order page paid paper parcel part pay people person phone piece place plain please point
  polite possible private put quick ready real receive red reply response right said sale same say second see sell
  send sent service set share shop short show sign simple small somebody someone something soon sad sorry start
  still store such sure take talk team tell tear text thank tired thing think three time today together tomorrow took
  true truly trust truth try two understand unhappy unhappiness upset upsetting use useful very visit wait want way website
  week welcome white well went whole window word work wrong write wrote year yellow yesterday`
    .split(/\s+/)
    .map(stem),
);

/** The word without the endings that number and tense give it: "charged" and "charges" are one. */
function stem(word: string): string {
  const bare = word.replace(/'s$/, '');
  if (bare.length < 4) return bare;
  return bare
    .replace(/ies$/, 'y')
    .replace(/(?<=..[^s])s$/, '')
    .replace(/(?<=...)(?:ed|ing)$/, '')
    .replace(/(?<=..)e$/, '')
    .replace(/([^aeiouls])\1$/, '$1');
}

/** Stems of the words that name something. */
export function contentWords(text: string): Set<string> {
  const named = words(text).filter((word) => !functionWords.has(word) && !/^\d+$/.test(word));
  return new Set(named.map(stem).filter((word) => word.length > 1 && !GENERIC.has(word)));
}

const LISTED = "(?:(?:the|a|an|your|our|or|and) ){0,2}[\\p{L}']+";
const LIST = new RegExp(`${LISTED}(?:(?:, ?| or | and )${LISTED}){3,}`, 'giu');

/** The text without lists of four things or more: who names everything speaks of nothing in particular. */
export function withoutLists(text: string): string {
  return plain(text).replace(LIST, (list) => (list.includes(',') ? '' : list));
}

export function countShared(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  return [...one].filter((word) => other.has(word)).length;
}

/**
 * Whether the answer shares a word that names something with the query, two with the right answer, or
 * speaks of one of `subjects` as either does.
 */
export function isAbout(
  answer: string,
  { query, reference }: JudgedPrompt,
  subjects: readonly RegExp[] = [],
): boolean {
  const text = withoutLists(answer);
  const said = contentWords(text);
  return (
    countShared(said, contentWords(query)) >= 1 ||
    countShared(said, contentWords(reference)) >= 2 ||
    subjects.some((subject) => subject.test(text) && (subject.test(query) || subject.test(reference)))
  );
}

/**
 * The stems that name the thing a product text is about: those of the query in the right answer's first
 * phrase behind an article or the like. All content words of the query if there is none.
 */
export function thingOf({ query, reference }: JudgedPrompt): Set<string> {
  const asked = contentWords(query);
  for (const [, phrase] of reference.matchAll(
    /\b(?:the|this|that|our|your|a|an) ((?:[\p{L}'-]+ ?){1,3})/giu,
  )) {
    const named = [...contentWords(phrase!)].filter((word) => asked.has(word));
    if (named.length > 0) return new Set(named);
  }
  return asked;
}
