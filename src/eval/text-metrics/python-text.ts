/**
 * Text as Python sees it, on whose packages the metrics are defined: `str.split()` and `str.rstrip()` take
 * the information separators U+001C to U+001F and U+0085 for white space, and the byte order mark not;
 * JavaScript's `\s` has it the other way round.
 */
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const WORD = new RegExp(`[^${SPACE}]+`, 'gu');

/** The pieces between white space; none of a text that has nothing else. Python's `text.split()`. */
export function splitAtSpace(text: string): string[] {
  return text.match(WORD) ?? [];
}

/** Without white space at the end. Python's `text.rstrip()`. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && splitAtSpace(text[end - 1]!).length === 0) end--;
  return text.slice(0, end);
}

/** The code points. Python's `list(text)`. */
export function codePoints(text: string): string[] {
  return [...text];
}
