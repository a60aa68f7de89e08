/**
 * distinct-n: how many of all n-grams of words in a set of answers are different ones, in percent. Low where a
 * model says the same again and again. [Li et al. 2016, over jieba's words without white space]
 */
import { cutWords } from './jieba/cut.ts';
import { splitAtSpace } from './python-text.ts';

/** No n-gram reaches from one answer into the next; 0 where there are none. */
export function distinct(answers: readonly string[], n: 1 | 2): number {
  const different = new Set<string>();
  let total = 0;
  for (const answer of answers) {
    const words = cutWords(answer).filter((word) => splitAtSpace(word).length > 0);
    for (let end = n; end <= words.length; end++) {
      different.add(words.slice(end - n, end).join(' '));
      total++;
    }
  }
  return total === 0 ? 0 : (100 * different.size) / total;
}
