/** Generation's step and cache, where keys and values lie with the worker: here is only what it has to do next. */
import type { Cache, NewTokens, Step, StepResult, Written } from '../generation/step.ts';
import { replyTensor } from './messages.ts';
import type { Session } from './session.ts';

type Action = readonly ['copy' | 'clear', number, number, number];

/** Capacity is a multiple of it: growing copies everything, so it is not done for every token. */
const BLOCK = 64;

/** What is done to slots waits for the next step, which takes it along. */
export class RemoteCache implements Cache<null, null> {
  #slots = 1;
  #capacity = BLOCK;
  #actions: Action[] = [];

  resize(slots: number, tokens: number): void {
    this.#slots = Math.max(slots, this.#slots);
    const capacity = BLOCK * Math.ceil(Math.max(1, tokens) / BLOCK);
    if (capacity > this.#capacity || 2 * capacity <= this.#capacity) this.#capacity = capacity;
  }

  /** The worker has it. */
  past(): null {
    return null;
  }

  nothing(): null {
    return null;
  }

  write(): void {}

  copy(from: number, to: number, length: number): void {
    if (from !== to) this.#actions.push(['copy', from, to, length]);
  }

  clear(slot: number): void {
    this.#actions.push(['clear', slot, 0, 0]);
  }

  /** What the next step has to tell, once. */
  takeState(): { slots: number; capacity: number; actions: readonly Action[] } {
    const actions = this.#actions;
    this.#actions = [];
    return { slots: this.#slots, capacity: this.#capacity, actions };
  }
}

export class RemoteStep implements Step<null, null> {
  readonly #session: Session;
  readonly #cache: RemoteCache;
  readonly #vocabulary: number;

  constructor(session: Session, cache: RemoteCache, vocabulary: number) {
    this.#session = session;
    this.#cache = cache;
    this.#vocabulary = vocabulary;
  }

  async run(rows: readonly (NewTokens & Written)[]): Promise<StepResult<null>> {
    const size = this.#vocabulary;
    const tokens = Int32Array.from(rows.flatMap((row) => Array.from(row.tokens)));
    const table = Int32Array.from(rows.flatMap(({ slot, start, count }) => [slot, start, count]));
    const logits = await this.#session.ask(
      { type: 'decode', ...this.#cache.takeState() },
      { tokens: { shape: [tokens.length], data: tokens }, rows: { shape: [rows.length, 3], data: table } },
      'logits',
      (reply) => replyTensor(reply, 'logits', Float32Array, [rows.length, size]),
    );
    const ofRows = rows.map((_, row) => logits.subarray(row * size, (row + 1) * size));
    return { logits: ofRows, outputs: null };
  }
}
