/**
 * Answers in the making, many at a time. Those at work have the first slots of the cache; where one ends, the
 * last takes its slot, and the next that waits begins. A prompt is computed once for all its answers: the later
 * ones copy its keys and values from a slot that still holds them. Between the pieces of a long prompt the
 * others go on by a token each.
 */
import type { Generated } from '../engine.ts';
import { Answer, type AnswerRequest } from './answer.ts';
import type { Cache, Step } from './step.ts';

/** Prompts begin together while they fill at most so many places side by side; longer ones come in pieces. */
const PREFILL = 512;

/** Prompts that are being computed: several that fit one run, or one in pieces. */
interface Prefill {
  /** In order: all of a prompt's one after another. */
  readonly answers: readonly Answer[];
  /** Each with the slot that its keys and values are written to. */
  readonly slots: ReadonlyMap<Int32Array, number>;
  readonly longest: number;
  /** Tokens that are done. */
  start: number;
}

export class Generation<Past, Outputs> {
  readonly #step: Step<Past, Outputs>;
  readonly #cache: Cache<Past, Outputs>;
  readonly #slots: number;
  #running = false;
  #waiting: Answer[] = [];
  #prefill: Prefill | null = null;
  /** By slot. */
  readonly #active: Answer[] = [];
  /** By slot: the prompt whose keys and values it begins with, also after its answer has ended. */
  readonly #resident: (Int32Array | undefined)[] = [];
  /** The prompt that the next answer shares with those begun, and the logits after it. */
  #kept: { readonly prompt: Int32Array; readonly logits: Float32Array } | null = null;

  /** @param slots the most answers in work at a time */
  constructor(step: Step<Past, Outputs>, cache: Cache<Past, Outputs>, slots: number) {
    this.#step = step;
    this.#cache = cache;
    this.#slots = slots;
  }

  /** Asks for an answer; answers to one prompt are asked for one after another. Work goes on while there is any. */
  add(request: AnswerRequest): Promise<Generated> {
    const answer = new Answer(request);
    this.#waiting.push(answer);
    if (!this.#running) {
      this.#running = true;
      void this.#work();
    }
    return answer.result;
  }

  async #work(): Promise<void> {
    // What is asked for along with the first begins along with it.
    await null;
    for (;;) {
      this.#dropEnded();
      if (this.#active.length === 0 && this.#prefill === null && this.#waiting.length === 0) break;
      try {
        await this.#advance();
      } catch (error) {
        for (const answer of this.#all()) answer.fail(error);
      }
    }
    this.#running = false;
  }

  *#all(): Iterable<Answer> {
    yield* this.#active;
    yield* this.#prefill?.answers ?? [];
    yield* this.#waiting;
  }

  async #advance(): Promise<void> {
    const free = this.#slots - this.#active.length;
    if (this.#prefill === null && this.#waiting.length > 0 && free > 0) this.#begin(free);
    else if (this.#prefill === null || this.#prefill.start > 0) await this.#goOn();
    if (this.#prefill !== null) await this.#computePrompts(this.#prefill);
  }

  /** The next answers begin from a prompt that is in the cache, or prompts that are not are to be computed. */
  #begin(free: number): void {
    const { prompt } = this.#waiting[0] as Answer;
    const logits = this.#kept?.prompt === prompt ? this.#kept.logits : null;
    const source = logits === null ? -1 : this.#resident.indexOf(prompt);
    const answers = source < 0 ? this.#beginners(free) : this.#answersTo(prompt, free);
    if (logits !== null && source >= 0) this.#reserve(answers.length, prompt.length);
    this.#waiting = this.#waiting.slice(answers.length);
    if (logits !== null && source >= 0) {
      for (const answer of answers) this.#activate(answer, source, logits);
      return;
    }
    const slots = new Map<Int32Array, number>();
    answers.forEach((answer, at) => {
      if (!slots.has(answer.prompt)) slots.set(answer.prompt, this.#active.length + at);
    });
    for (const slot of slots.values()) this.#resident[slot] = undefined;
    const longest = Math.max(...answers.map((answer) => answer.prompt.length));
    this.#prefill = { answers, slots, longest, start: 0 };
  }

  #answersTo(prompt: Int32Array, most: number): readonly Answer[] {
    const next = this.#waiting.slice(0, most);
    const other = next.findIndex((answer) => answer.prompt !== prompt);
    return other < 0 ? next : next.slice(0, other);
  }

  /** The next answers, as many as there are slots for and as their prompts may be computed together. */
  #beginners(most: number): readonly Answer[] {
    const chosen: Answer[] = [];
    let [prompts, width] = [0, 0];
    for (const answer of this.#waiting.slice(0, most)) {
      if (answer.prompt !== chosen.at(-1)?.prompt) {
        width = Math.max(width, answer.prompt.length);
        prompts++;
        if (prompts > 1 && prompts * width > PREFILL) break;
      }
      chosen.push(answer);
    }
    return chosen;
  }

  /** One piece; after the last the answers begin. */
  async #computePrompts(prefill: Prefill): Promise<void> {
    const { answers, slots, longest, start } = prefill;
    this.#reserve(answers.length, longest);
    const rows = [...slots].map(([prompt, slot]) => {
      const piece = prompt.subarray(start, start + PREFILL);
      return { slot, start, tokens: piece, count: piece.length };
    });
    const first = rows[0]?.slot as number;
    const past = start === 0 ? this.#cache.nothing(rows.length) : this.#cache.past(first, 1);
    const { logits, outputs } = await this.#step.run(rows, past);
    this.#cache.write(outputs, rows);
    prefill.start += PREFILL;
    if (prefill.start < longest) return;
    this.#prefill = null;
    // Others may have ended since the slots were chosen: the answers then move up.
    const order = [...slots.keys()];
    for (const answer of answers) {
      const { prompt } = answer;
      if (answer.ended) continue;
      this.#activate(answer, slots.get(prompt) as number, logits[order.indexOf(prompt)] as Float32Array);
    }
    if (!answers.some((answer) => answer.failed)) return;
    for (const slot of slots.values()) if (slot >= this.#active.length) this.#forget(slot);
  }

  /** @param source the slot that holds the prompt's keys and values */
  #activate(answer: Answer, source: number, logits: Float32Array): void {
    const { prompt } = answer;
    const slot = this.#active.length;
    this.#cache.copy(source, slot, prompt.length);
    this.#resident[slot] = prompt;
    this.#kept = this.#waiting[0]?.prompt === prompt ? { prompt, logits } : null;
    this.#active.push(answer);
    answer.extend(logits);
  }

  /** Every answer at work gets a token. */
  async #goOn(): Promise<void> {
    if (this.#active.length === 0) return;
    this.#reserve(0, 0);
    const rows = this.#active.map(({ cachedLength, newest }, slot) => ({
      ...{ slot, start: cachedLength, count: 1 },
      tokens: [newest],
    }));
    const { logits, outputs } = await this.#step.run(rows, this.#cache.past(0, rows.length));
    this.#cache.write(outputs, rows);
    rows.forEach(({ slot }) => {
      this.#active[slot]?.extend(logits[slot] as Float32Array);
    });
  }

  /** Room for what is in work and begins, and for a prompt that more answers wait for: not for what may come. */
  #reserve(beginning: number, length: number): void {
    const lengths = [
      length,
      this.#prefill?.longest ?? 0,
      this.#kept?.prompt.length ?? 0,
      ...this.#active.map(({ cachedLength }) => cachedLength + 1),
    ];
    const reserved = Math.max(0, ...(this.#prefill?.slots.values() ?? []));
    const slots = Math.max(reserved + 1, this.#active.length + beginning);
    // A power of two: growing one by one would copy everything for each.
    this.#cache.resize(Math.min(this.#slots, 2 ** Math.ceil(Math.log2(slots))), Math.max(...lengths));
  }

  #dropEnded(): void {
    for (const answer of this.#all()) answer.failIfAborted();
    this.#waiting = this.#waiting.filter((answer) => !answer.ended);
    if (this.#kept !== null && this.#waiting[0]?.prompt !== this.#kept.prompt) this.#kept = null;
    if (this.#prefill?.answers.every((answer) => answer.ended)) this.#prefill = null;
    for (let slot = this.#active.length - 1; slot >= 0; slot--) {
      const answer = this.#active[slot] as Answer;
      if (answer.failed) this.#forget(slot);
      if (answer.ended) this.#free(slot);
    }
  }

  /** What a failed answer leaves may be no numbers, which would spoil the next one there though it is hidden. */
  #forget(slot: number): void {
    this.#cache.clear(slot);
    this.#resident[slot] = undefined;
  }

  /** The last slot's answer moves to the free one, so that answers at work stay neighbours. */
  #free(slot: number): void {
    const from = this.#active.length - 1;
    const last = this.#active.pop() as Answer;
    if (from === slot) return;
    this.#cache.copy(from, slot, last.cachedLength);
    this.#active[slot] = last;
    this.#resident[slot] = this.#resident[from];
  }
}
