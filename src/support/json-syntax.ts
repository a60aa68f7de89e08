/**
 * Finds where a text stops being JSON (RFC 8259). `JSON.parse` decides whether it is; its messages hold
 * a position for some errors only, and differ between versions of Node.
 */

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /true|false|null/y;
const PLAIN_CHARACTERS = /[^"\\\u0000-\u001f]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

export class JsonSyntaxError extends Error {
  /** Index of the first UTF-16 unit that cannot be there; the text's length if it ends too early. */
  readonly offset: number;
  /** The element of the outermost array it lies in, counted from 1; undefined outside an array. */
  readonly element: number | undefined;

  constructor(offset: number, element: number | undefined, problem: string) {
    super(problem);
    this.offset = offset;
    this.element = element;
  }
}

/** The first syntax error, or undefined when `text` is one JSON value. Nesting may be any depth. */
export function findJsonError(text: string): JsonSyntaxError | undefined {
  try {
    new Scanner(text).scan();
    return undefined;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error;
    throw error;
  }
}

class Scanner {
  readonly #text: string;
  #offset = 0;
  #element: number | undefined;
  /** The brackets that are open, as the characters that close them: a list, for nesting of any depth. */
  readonly #open: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  scan(): void {
    do {
      if (this.#open.at(-1) === '}') this.#key();
      this.#valueStart();
    } while (this.#valueEnd());
    if (this.#offset < this.#text.length) this.#expected('nothing after the value');
  }

  /** Goes down to the value's first scalar or empty bracket. */
  #valueStart(): void {
    for (;;) {
      const closing = this.#take('[') ? ']' : this.#take('{') ? '}' : undefined;
      if (closing === undefined) {
        this.#scalar();
        return;
      }
      if (this.#take(closing)) return;
      this.#open.push(closing);
      if (closing === '}') this.#key();
      else if (this.#open.length === 1) this.#element = 1;
    }
  }

  /** Closes what closes here; true if a comma announces one more value. */
  #valueEnd(): boolean {
    for (let closing = this.#open.at(-1); closing !== undefined; closing = this.#open.at(-1)) {
      if (this.#take(',')) {
        if (this.#element !== undefined && this.#open.length === 1) this.#element++;
        return true;
      }
      if (!this.#take(closing)) this.#expected(`"," or "${closing}"`);
      this.#open.pop();
    }
    this.#skip(SPACE);
    return false;
  }

  #key(): void {
    if (!this.#take('"')) this.#expected('a name in double quotes');
    this.#string();
    if (!this.#take(':')) this.#expected('":"');
  }

  #scalar(): void {
    if (this.#take('"')) this.#string();
    else if (!this.#skip(NUMBER) && !this.#skip(LITERAL)) this.#expected('a value');
  }

  #string(): void {
    for (;;) {
      this.#skip(PLAIN_CHARACTERS);
      const character = this.#text[this.#offset];
      if (character === '"') break;
      if (character === undefined) this.#fail('a string is not closed');
      if (character !== '\\') this.#fail('a line break or control character inside a string');
      if (!this.#skip(ESCAPE)) this.#fail('a backslash that starts no known escape');
    }
    this.#offset++;
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text);
    this.#offset += found?.[0].length ?? 0;
    return found !== null;
  }

  #take(character: string): boolean {
    this.#skip(SPACE);
    const found = this.#text[this.#offset] === character;
    if (found) this.#offset++;
    return found;
  }

  #expected(what: string): never {
    const code = this.#text.codePointAt(this.#offset);
    const found = code === undefined ? 'the end of the text' : JSON.stringify(String.fromCodePoint(code));
    return this.#fail(`expected ${what}, found ${found}`);
  }

  #fail(problem: string): never {
    throw new JsonSyntaxError(this.#offset, this.#element, problem);
  }
}
