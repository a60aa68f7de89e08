/**
 * Reads that are asked for at the same time, made by one query. It begins after all of them were asked for, so each
 * sees what had been committed by then; nothing is remembered from one query to the next.
 */
export class GroupRead<Key, Value> {
  readonly #read: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>;
  /** Keys that wait for the next query, with its result. */
  #next: { readonly keys: Set<Key>; readonly found: Promise<ReadonlyMap<Key, Value>> } | null = null;
  /** Settles with the query at work. */
  #working: Promise<unknown> = Promise.resolve();

  /** @param read what there is under these keys, each of them once */
  constructor(read: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>) {
    this.#read = read;
  }

  async get(key: Key): Promise<Value | undefined> {
    this.#next ??= this.#begin();
    this.#next.keys.add(key);
    return (await this.#next.found).get(key);
  }

  #begin() {
    const keys = new Set<Key>();
    const found = this.#working
      // What this turn of the event loop brings goes together.
      .then(() => new Promise((resolve) => setImmediate(resolve)))
      .then(() => {
        this.#next = null;
        return this.#read([...keys]);
      });
    this.#working = found.catch(() => {});
    return { keys, found };
  }
}
