/** The text of an answer as its tokens come: after the engine on the data's way back to the user. */
import type { Tokenizer } from './tokenizer.ts';

/** What stands for bytes that are no character, or not yet. */
const REPLACEMENT = '\uFFFD';

/** Bytes a character may have without being whole. */
const MOST_UNFINISHED = 3;

/**
 * Turns tokens into text piece by piece. A character whose bytes are spread over several tokens comes when it
 * is whole, and what may be the beginning of a stop string when it is known not to be. Special tokens, and ids
 * that the tokenizer does not have, add no text.
 */
export class AnswerText {
  /** Tokens that the tokenizer does not have. */
  unknownTokens = 0;
  readonly #tokenizer: Tokenizer;
  readonly #stops: readonly string[];
  readonly #tokens: number[] = [];
  /** Tokens before `#read` are in `#text`; those from `#context` on are decoded again, for blanks between. */
  #context = 0;
  #read = 0;
  /** Characters after `#read` that are in `#text` already: some tokens may still wait for others. */
  #taken = 0;
  #text = '';
  /** How much of `#text` was given out. */
  #given = 0;
  #stopped = false;

  /** @param stops texts that end the answer and are no part of it */
  constructor(tokenizer: Tokenizer, stops: readonly string[] = []) {
    this.#tokenizer = tokenizer;
    this.#stops = stops;
  }

  /** Whether a stop string came. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** The whole text so far, up to the first stop string. */
  get text(): string {
    return this.#text;
  }

  /** Takes the next token and returns the text that is certain now. Nothing comes after a stop string. */
  push(token: number): string {
    if (this.#stopped) return '';
    if (!this.#tokenizer.has(token)) this.unknownTokens++;
    else if (!this.#tokenizer.isSpecial(token)) this.#tokens.push(token);
    const decoded = this.#decodeNew();
    this.#add(decoded, unfinished(decoded));
    return this.#give(this.#stopped ? this.#text.length : this.#text.length - this.#undecided());
  }

  /** No token follows: what was held back. */
  finish(): string {
    if (!this.#stopped) this.#add(this.#decodeNew(), 0);
    return this.#give(this.#text.length);
  }

  #decodeNew(): string {
    const decode = (end: number) => this.#tokenizer.decode(this.#tokens.slice(this.#context, end));
    return decode(this.#tokens.length).slice(decode(this.#read).length);
  }

  /** @param open how many characters at the end may still become others */
  #add(decoded: string, open: number): void {
    if (this.#read === this.#tokens.length) return;
    const end = decoded.length - open;
    const piece = decoded.slice(this.#taken, end);
    if (open === 0) {
      this.#context = this.#read;
      this.#read = this.#tokens.length;
      this.#taken = 0;
    } else this.#taken = Math.max(this.#taken, end);
    const longest = this.#stops.reduce((length, stop) => Math.max(length, stop.length), 0);
    const from = Math.max(0, this.#text.length - longest + 1);
    this.#text += piece;
    const found = this.#stops.map((stop) => this.#text.indexOf(stop, from)).filter((at) => at >= 0);
    if (found.length === 0) return;
    this.#stopped = true;
    this.#text = this.#text.slice(0, Math.min(...found));
  }

  /** The length of the longest end of the text that a stop string begins with. */
  #undecided(): number {
    const lengths = this.#stops.map((stop) => {
      for (let length = Math.min(stop.length - 1, this.#text.length); length > 0; length--) {
        if (this.#text.endsWith(stop.slice(0, length))) return length;
      }
      return 0;
    });
    return Math.max(0, ...lengths);
  }

  #give(end: number): string {
    const piece = this.#text.slice(this.#given, end);
    this.#given = Math.max(this.#given, end);
    return piece;
  }
}

/** How many characters at the end may be bytes whose character is on its way. */
function unfinished(text: string): number {
  let count = 0;
  while (count < MOST_UNFINISHED && text[text.length - 1 - count] === REPLACEMENT) count++;
  return count;
}
