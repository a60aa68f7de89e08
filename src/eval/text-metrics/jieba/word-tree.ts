/**
 * jieba's dictionary as a tree of prefixes: from a node to the next by one character. Nodes are numbered
 * breadth first and siblings sorted, so a node needs its character and where its children start, no more.
 */
export interface WordTreeColumns {
  readonly childCounts: Uint16Array;
  readonly characters: Uint16Array;
  /** Into `weights`; 0 where no word ends. */
  readonly weightIndices: Uint16Array;
  readonly weights: Float64Array;
}

export class WordTree {
  /** The node of the empty prefix. */
  static readonly ROOT = 0;
  /** log(frequency) − log(sum of all frequencies) of a character that no word begins with or is. */
  readonly unknownWeight: number;
  readonly #characters: Uint16Array;
  readonly #weightIndices: Uint16Array;
  readonly #weights: Float64Array;
  /** Node n's children are `#firstChild[n]` up to, but not with, `#firstChild[n + 1]`. */
  readonly #firstChild: Uint32Array;

  constructor({ childCounts, characters, weightIndices, weights }: WordTreeColumns) {
    this.#characters = characters;
    this.#weightIndices = weightIndices;
    this.#weights = weights;
    this.unknownWeight = weights[0]!;
    this.#firstChild = new Uint32Array(childCounts.length + 1);
    this.#firstChild[0] = 1;
    for (const [node, count] of childCounts.entries()) {
      this.#firstChild[node + 1] = this.#firstChild[node]! + count;
    }
  }

  /** The node one character (a UTF-16 unit) further, or undefined if no word goes on like this. */
  child(node: number, character: number): number | undefined {
    let low = this.#firstChild[node]!;
    let high = this.#firstChild[node + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.#characters[middle]!;
      if (found === character) return middle;
      if (found < character) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** log(frequency) − log(sum of all frequencies) of the word that ends here, undefined if none does. */
  weight(node: number): number | undefined {
    const index = this.#weightIndices[node]!;
    return index === 0 ? undefined : this.#weights[index]!;
  }

  has(word: string): boolean {
    let node: number | undefined = WordTree.ROOT;
    for (let at = 0; at < word.length && node !== undefined; at++) {
      node = this.child(node, word.charCodeAt(at));
    }
    return node !== undefined && this.weight(node) !== undefined;
  }
}
