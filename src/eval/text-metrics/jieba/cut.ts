/**
 * Cuts text into words as Python jieba 0.42.1 does (`jieba.cut`, accurate mode with HMM): the words of ROUGE
 * over Chinese. Runs of Chinese characters, Latin letters, digits and +#&._%- are cut along the most probable
 * path through the dictionary, and what is left in single characters by the hidden Markov model; of
 * everything else each character stands alone, and so does each end of line.
 */
import { jiebaTables } from './tables.ts';

/** Of what the dictionary left in single characters: Chinese, a Latin word or number, signs between. */
const PIECE = /[\u4E00-\u9FD5]+|[a-zA-Z0-9]+(?:\.[0-9]+)?%?|[+#&._%-]+/g;

/** The characters of ASCII that runs are made of, besides Chinese ones. */
const ASCII_IN_RUNS = Uint8Array.from({ length: 128 }, (_, code) =>
  /[a-zA-Z0-9+#&._%-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

const isChinese = (character: number) => character >= 0x4e00 && character <= 0x9fd5;

/** The words in their order; joined they are the text again. The first call reads the dictionary. */
export function cutWords(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfRun(text, at);
    if (end > at) {
      cutRun(text.slice(at, end), words);
      at = end;
    } else {
      const single = text.startsWith('\r\n', at) ? '\r\n' : String.fromCodePoint(text.codePointAt(at)!);
      words.push(single);
      at += single.length;
    }
  }
  return words;
}

/** Where the run that starts at `start` ends: there, if none does. */
function endOfRun(text: string, start: number): number {
  let end = start;
  while (end < text.length) {
    const character = text.charCodeAt(end);
    if (!isChinese(character) && ASCII_IN_RUNS[character] !== 1) break;
    end++;
  }
  return end;
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

const buffers = (length: number) => ({ scores: new Float64Array(length + 1), ends: new Uint32Array(length) });

/** Most runs are short and there are many: they share their buffers. */
const SCRATCH = 256;
const scratch = buffers(SCRATCH);

/**
 * For each position where a word might start, where it would end on the path with the greatest product of word
 * frequencies from there on; of equally good ones, the longest word. To be read before the next call.
 */
function mostProbablePath(run: string): Uint32Array {
  const { words } = jiebaTables();
  const length = run.length;
  const { scores, ends } = length < SCRATCH ? scratch : buffers(length);
  scores[length] = 0;
  for (let start = length - 1; start >= 0; start--) {
    let best = Number.NEGATIVE_INFINITY;
    ends[start] = 0;
    let node = words.first(run.charCodeAt(start));
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
  for (const piece of singles.match(PIECE)!) {
    if (!isChinese(piece.charCodeAt(0))) words.push(piece);
    else for (const word of model.cut(piece)) words.push(word);
  }
}
