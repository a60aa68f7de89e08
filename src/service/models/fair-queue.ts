/** Waiting requests of several clients: clients take turns, and each one's requests keep their order. */
export class FairQueue<T> {
  /** In the order in which clients have their turns; none of the lists is empty. */
  readonly #lists = new Map<string, T[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(client: string, item: T): void {
    const list = this.#lists.get(client);
    if (list) list.push(item);
    else this.#lists.set(client, [item]);
    this.#length++;
  }

  /** Whose turn it is. */
  peek(): T | undefined {
    for (const [first] of this.#lists.values()) return first;
    return undefined;
  }

  /** Takes what `peek` shows; its client goes to the end of the row. */
  take(): void {
    for (const [client, list] of this.#lists) {
      list.shift();
      this.#length--;
      this.#lists.delete(client);
      if (list.length > 0) this.#lists.set(client, list);
      return;
    }
  }

  /** @returns whether it was there */
  remove(client: string, item: T): boolean {
    const list = this.#lists.get(client);
    const at = list?.indexOf(item) ?? -1;
    if (!list || at < 0) return false;
    list.splice(at, 1);
    this.#length--;
    if (list.length === 0) this.#lists.delete(client);
    return true;
  }
}
