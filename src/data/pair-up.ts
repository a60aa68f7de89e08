/**
 * Answers liked and not liked become rows: the first of either kind to a prompt meets the first of the other.
 * Each is used once. What is held is the answers that still wait for their counterpart.
 */
import { isProblem, type RowProblem } from './invalid-row.ts';
import { promptKey } from './overlap.ts';
import { type Parsed, parseConversationRow, parsePreferenceRow } from './parse-row.ts';
import type { ConversationRow, PreferenceRow } from './row.ts';

export class PairUp {
  /** Never both kinds to one prompt: they would have met. */
  readonly #waiting = new Map<string, { liked: boolean; rows: ConversationRow[] }>();
  #liked = 0;
  #disliked = 0;
  #prompts = new Map<string, number>();

  /** The row that this answer completes, if any. `index` counts from 0. */
  take(fields: object, liked: boolean, index: number): Parsed<PreferenceRow> | RowProblem | undefined {
    const parsed = parseConversationRow(fields, index);
    if (isProblem(parsed)) return parsed;
    if (liked) this.#liked++;
    else this.#disliked++;
    const key = promptKey(parsed.row);
    this.#prompts.set(key, (this.#prompts.get(key) ?? 0) | (liked ? 1 : 2));
    const waiting = this.#waiting.get(key);
    if (waiting === undefined || waiting.liked === liked) {
      if (waiting) waiting.rows.push(parsed.row);
      else this.#waiting.set(key, { liked, rows: [parsed.row] });
      return undefined;
    }
    const other = waiting.rows.shift() as ConversationRow;
    if (waiting.rows.length === 0) this.#waiting.delete(key);
    const [chosen, rejected] = liked ? [parsed.row, other] : [other, parsed.row];
    return parsePreferenceRow(
      { prompt: parsed.row.prompt, chosen: chosen.response, rejected: rejected.response },
      index,
    );
  }

  /** How many answers there were, and how many are left without a counterpart. */
  summary(): LabelSummary {
    let alone = 0;
    for (const { rows } of this.#waiting.values()) alone += rows.length;
    const both = [...this.#prompts.values()].filter((kinds) => kinds === 3).length;
    return {
      liked: this.#liked,
      disliked: this.#disliked,
      prompts: this.#prompts.size,
      promptsWithBoth: both,
      unpaired: alone,
    };
  }
}

export interface LabelSummary {
  readonly liked: number;
  readonly disliked: number;
  readonly prompts: number;
  readonly promptsWithBoth: number;
  readonly unpaired: number;
}
