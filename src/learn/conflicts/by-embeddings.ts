/** Contradictions by the base model's embeddings, where a paraphrase has other letters. */
import { type ProgressFactory, silentProgress } from '../../support/progress.ts';
import { contradiction, type RowTexts, type Thresholds } from './contradiction.ts';
import type { Found } from './lexical.ts';
import { cosine, type EmbeddingSource, TextVectors } from './text-vectors.ts';

/** Chosen on one half of the measured rows (`npx tsx experiments/conflicts/measure.ts`). */
export const EMBEDDING_THRESHOLDS: Thresholds = { prompt: 0.6, response: 0.8 };

/**
 * All contradictions between two lists of rows, by position of the new one, then of the earlier one. Every pair of
 * prompts is compared, 256 multiplications each; responses are embedded only where prompts are alike.
 */
export function embeddedContradictions(
  rows: readonly RowTexts[],
  earlier: readonly RowTexts[],
  thresholds: Thresholds,
  source: EmbeddingSource,
  progress: ProgressFactory = silentProgress,
): Found[] {
  const vectors = new TextVectors(source);
  const embedding = progress({ label: 'embedding', total: rows.length + earlier.length, unit: 'rows' });
  const vectorsOf = (row: RowTexts) => {
    embedding.advance(1);
    const known = new Map([['prompt' as keyof RowTexts, vectors.of(row.prompt)]]);
    return (text: keyof RowTexts): Float32Array => {
      const vector = known.get(text) ?? vectors.of(row[text]);
      known.set(text, vector);
      return vector;
    };
  };
  const theirs = earlier.map(vectorsOf);
  const own = rows.map(vectorsOf);
  embedding.stop();
  const comparing = progress({ label: 'comparing', total: rows.length, unit: 'rows' });
  const found: Found[] = [];
  const prompts = theirs.map((textVector) => textVector('prompt'));
  for (const [asked, row] of own.entries()) {
    const prompt = row('prompt');
    for (let at = 0; at < prompts.length; at++) {
      // Almost every pair ends here, and there are many.
      if (cosine(prompt, prompts[at]!) < thresholds.prompt) continue;
      const other = theirs[at]!;
      const match = contradiction((one, text) => cosine(row(one), other(text)), thresholds);
      if (match !== null) found.push({ asked, earlier: at, ...match });
    }
    comparing.advance(1);
  }
  comparing.stop();
  return found;
}
