/**
 * Cuts text into words as Python jieba 0.42.1 does (`jieba.cut`, accurate mode with HMM): the words of ROUGE
 * over Chinese. Runs of Chinese characters, Latin letters, digits and +#&._%- are cut along the most probable
 * path through the dictionary, and what is left in single characters by the hidden Markov model; of
 * everything else each character stands alone, and so does each end of line.
 */
import { jiebaTables } from './tables.ts';
import { WordTree } from './word-tree.ts';

/** A run that is cut by the dictionary (the group), an end of line, or one code point of anything else. */
const BLOCK = /([\u4E00-\u9FD5a-zA-Z0-9+#&._%-]+)|\r\n|./gsu;
const CHINESE_OR_NOT = /[\u4E00-\u9FD5]+|[^\u4E00-\u9FD5]+/g;
const FIRST_CHINESE = /^[\u4E00-\u9FD5]/;
/** A split by it keeps what it matches. */
const LATIN_WORD = /([a-zA-Z0-9]+(?:\.[0-9]+)?%?)/;

/** The words in their order; joined they are the text again. The first call reads the dictionary. */
export function cutWords(text: string): string[] {
  const words: string[] = [];
  for (const [piece, run] of text.matchAll(BLOCK)) {
    if (run === undefined) words.push(piece);
    else cutRun(run, words);
  }
  return words;
}

function cutRun(run: string, words: string[]): void {
  const ends = mostProbablePath(run);
  let singles = 0; // Where a sequence of one-character words began.
  for (let start = 0; start < run.length; start = ends[start]!) {
    const end = ends[start]!;
    if (end - start === 1) continue;
    cutSingles(run.slice(singles, start), words);
    words.push(run.slice(start, end));
    singles = end;
  }
  cutSingles(run.slice(singles), words);
}

/**
 * For each position where a word might start, where it would end on the path with the greatest product of word
 * frequencies from there on; of equally good ones, the longest word.
 */
function mostProbablePath(run: string): Uint32Array {
  const { words } = jiebaTables();
  const length = run.length;
  const scores = new Float64Array(length + 1);
  const ends = new Uint32Array(length);
  for (let start = length - 1; start >= 0; start--) {
    let best = Number.NEGATIVE_INFINITY;
    let node = words.child(WordTree.ROOT, run.charCodeAt(start));
    for (let end = start + 1; node !== undefined; end++) {
      const weight = words.weight(node);
      if (weight !== undefined && weight + scores[end]! >= best) {
        best = weight + scores[end]!;
        ends[start] = end;
      }
      node = end < length ? words.child(node, run.charCodeAt(end)) : undefined;
    }
    if (ends[start] === 0) {
      best = words.unknownWeight + scores[start + 1]!;
      ends[start] = start + 1;
    }
    scores[start] = best;
  }
  return ends;
}

/** Cuts what the path left in single characters. A word of the dictionary among them stays in characters. */
function cutSingles(singles: string, words: string[]): void {
  const { words: dictionary, model } = jiebaTables();
  if (singles.length < 2 || dictionary.has(singles)) {
    words.push(...singles);
    return;
  }
  for (const [part] of singles.matchAll(CHINESE_OR_NOT)) {
    const pieces = FIRST_CHINESE.test(part) ? model.cut(part) : part.split(LATIN_WORD);
    for (const piece of pieces) if (piece !== '') words.push(piece);
  }
}
