/**
 * Words that no dictionary has: each Chinese character begins a word (B), is in its middle (M), ends it (E) or
 * is one by itself (S); Viterbi's algorithm finds the most probable sequence. [jieba's finalseg]
 */
export interface HiddenMarkovTables {
  /** Log-probabilities by state, in the order B E M S. */
  readonly start: Float64Array;
  /** [from, to]. */
  readonly transition: Float64Array;
  /** [state, character from U+4E00 on]: indices of `emissionValues`. */
  readonly emission: Uint16Array;
  readonly emissionValues: Float64Array;
}

// Alphabetical: of two equally probable states jieba takes the later letter.
const [BEGIN, END, MIDDLE, SINGLE] = [0, 1, 2, 3] as const;
const STATES = 4;

/** The two states each state can follow, the letter that wins a tie first. */
const BEFORE = [
  [SINGLE, END],
  [MIDDLE, BEGIN],
  [MIDDLE, BEGIN],
  [SINGLE, END],
] as const;

const FIRST_CHARACTER = 0x4e00;

export class HiddenMarkovModel {
  readonly #tables: HiddenMarkovTables;
  readonly #characters: number;

  constructor(tables: HiddenMarkovTables) {
    this.#tables = tables;
    this.#characters = tables.emission.length / STATES;
  }

  /** Cuts a text of one or more characters of U+4E00 to U+9FD5. */
  cut(text: string): string[] {
    const states = this.#mostProbableStates(text);
    const words: string[] = [];
    let start = 0;
    for (const [at, state] of states.entries()) {
      if (state !== END && state !== SINGLE) continue;
      words.push(text.slice(start, at + 1));
      start = at + 1;
    }
    return words;
  }

  #mostProbableStates(text: string): Uint8Array {
    const { start, transition } = this.#tables;
    const length = text.length;
    const cameFrom = new Uint8Array(STATES * length);
    let scores = start.map((score, state) => score + this.#emission(state, text.charCodeAt(0)));
    let next = new Float64Array(STATES);
    for (let at = 1; at < length; at++) {
      for (let state = 0; state < STATES; state++) {
        const emission = this.#emission(state, text.charCodeAt(at));
        const [first, second] = BEFORE[state]!;
        // The order of the sums is jieba's: scores beyond -1e100 make ties of what would differ.
        const one = scores[first]! + transition[first * STATES + state]! + emission;
        const other = scores[second]! + transition[second * STATES + state]! + emission;
        next[state] = Math.max(one, other);
        cameFrom[at * STATES + state] = one >= other ? first : second;
      }
      [scores, next] = [next, scores];
    }
    const states = new Uint8Array(length);
    let state: number = scores[SINGLE]! >= scores[END]! ? SINGLE : END;
    for (let at = length - 1; at >= 0; at--) {
      states[at] = state;
      state = cameFrom[at * STATES + state]!;
    }
    return states;
  }

  #emission(state: number, character: number): number {
    const { emission, emissionValues } = this.#tables;
    return emissionValues[emission[state * this.#characters + character - FIRST_CHARACTER]!]!;
  }
}
