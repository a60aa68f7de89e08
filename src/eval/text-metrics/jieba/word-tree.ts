/**
 * jieba's dictionary as a tree of prefixes: from a node to the next by one character. Nodes are numbered
 * breadth first from the root, 0, and siblings sorted, so a node needs its character and where its children
 * start, no more.
 */
export interface WordTreeColumns {
  readonly childCounts: Uint16Array;
  readonly characters: Uint16Array;
  /** Into `weights`; 0 where no word ends. */
  readonly weightIndices: Uint16Array;
  readonly weights: Float64Array;
}

export class WordTree {
  /** log(frequency) − log(sum of all frequencies) of a character that no word begins with or is. */
  readonly unknownWeight: number;
  readonly #characters: Uint16Array;
  readonly #weightIndices: Uint16Array;
  readonly #weights: Float64Array;
  /** Node n's children are `#firstChild[n]` up to, but not with, `#firstChild[n + 1]`. */
  readonly #firstChild: Uint32Array;
  /** The root has thousands of children: they are looked up, not searched. By character; 0 for none. */
  readonly #firstNodes = new Uint32Array(0x10000);

  constructor({ childCounts, characters, weightIndices, weights }: WordTreeColumns) {
    this.#characters = characters;
    this.#weightIndices = weightIndices;
    this.#weights = weights;
    this.unknownWeight = weights[0]!;
    this.#firstChild = new Uint32Array(childCounts.length + 1);
    this.#firstChild[0] = 1;
    for (let node = 0; node < childCounts.length; node++) {
      this.#firstChild[node + 1] = this.#firstChild[node]! + childCounts[node]!;
    }
    for (let node = 1; node < this.#firstChild[1]!; node++) this.#firstNodes[characters[node]!] = node;
  }

  /** The node of a word's first character (a UTF-16 unit), or undefined if no word begins with it. */
  first(character: number): number | undefined {
    const node = this.#firstNodes[character]!;
    return node === 0 ? undefined : node;
  }

  /** The node one character further, or undefined if no word goes on like this. */
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

  /** Whether a text of one or more characters is a word. */
  has(word: string): boolean {
    let node = this.first(word.charCodeAt(0));
    for (let at = 1; at < word.length && node !== undefined; at++) {
      node = this.child(node, word.charCodeAt(at));
    }
    return node !== undefined && this.weight(node) !== undefined;
  }
}
