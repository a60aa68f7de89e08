/** "Did you mean ...?" for unknown config keys, commands, methods and models. */
import { distance } from 'fastest-levenshtein';

/**
 * The candidate closest to `word` by edit distance, letter case ignored, or undefined when none is
 * close enough to be a likely slip: at most two edits, or a third of the word for longer words.
 */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = distance(lower, candidate.toLowerCase());
    // Rewriting every letter of a short word is no slip.
    if (edits < bestDistance && edits < Math.max(word.length, candidate.length)) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
}

/** ` Did you mean "x"?` to append to a message, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const nearest = nearestName(word, candidates);
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}
