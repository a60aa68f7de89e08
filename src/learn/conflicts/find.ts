/**
 * New pairs that contradict accepted ones, asked before a task is trained: nearly one prompt, preference exchanged.
 * Training on both teaches neither, and says nothing.
 */
import type { PreferenceRow } from '../../data/row.ts';
import type { ProgressFactory } from '../../support/progress.ts';
import { EMBEDDING_THRESHOLDS, embeddedContradictions } from './by-embeddings.ts';
import { type Thresholds, textsOf } from './contradiction.ts';
import { type Found, LEXICAL_THRESHOLDS, lexicalContradictions } from './lexical.ts';
import type { EmbeddingSource } from './text-vectors.ts';

/** An accepted row and the task it belongs to. */
export interface AcceptedRow {
  readonly task: string;
  readonly row: PreferenceRow;
}

export interface Conflict {
  /** The new row's `index`. */
  readonly newRow: number;
  /** The accepted row's `index` among its task's rows. */
  readonly earlierRow: number;
  readonly task: string;
  /** What found it: the letters, or where these differ too much the base model's embeddings. */
  readonly kind: 'lexical' | 'embedding';
  /** The least of the similarities of prompts and exchanged responses; of another scale for either kind. */
  readonly similarity: number;
}

export interface ConflictOptions {
  readonly lexical?: Thresholds;
  readonly embedding?: Thresholds;
  /** The base model's; left out: paraphrases are not looked for. */
  readonly source?: EmbeddingSource;
  readonly progress?: ProgressFactory;
}

/**
 * Every new row that contradicts an accepted one, with that one: by the new row's position, then by the accepted
 * one's; a pair that is found both ways is lexical.
 */
export function findConflicts(
  newRows: readonly PreferenceRow[],
  accepted: readonly AcceptedRow[],
  options: ConflictOptions = {},
): Conflict[] {
  const { lexical = LEXICAL_THRESHOLDS, embedding = EMBEDDING_THRESHOLDS, source, progress } = options;
  const [rows, earlier] = [newRows.map(textsOf), accepted.map(({ row }) => textsOf(row))];
  const byLetters = lexicalContradictions(rows, earlier, lexical);
  const key = ({ asked, earlier: at }: Found) => asked * accepted.length + at;
  const known = new Set(byLetters.map(key));
  const byWords =
    source === undefined ? [] : embeddedContradictions(rows, earlier, embedding, source, progress);
  const all = [
    ...byLetters.map((found) => ({ found, kind: 'lexical' as const })),
    ...byWords
      .filter((found) => !known.has(key(found)))
      .map((found) => ({ found, kind: 'embedding' as const })),
  ];
  return all
    .sort((a, b) => key(a.found) - key(b.found))
    .map(({ found, kind }) => {
      const { task, row } = accepted[found.earlier]!;
      return {
        newRow: newRows[found.asked]!.index,
        earlierRow: row.index,
        task,
        kind,
        similarity: Math.min(found.prompt, found.response),
      };
    });
}
