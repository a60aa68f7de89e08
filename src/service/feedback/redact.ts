/** The hook for personal data: every text passes it before it is stored. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from '../../support/errors.ts';

/** Returns the text as it may be stored. */
export type Redact = (text: string) => string | Promise<string>;

export const keepAll: Redact = (text) => text;

/**
 * The default export of an ECMAScript module.
 * @throws {UserError} where it cannot be loaded, or exports no function that makes text of text
 */
export async function loadRedact(file: string): Promise<Redact> {
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(resolve(file)).href)) as { default?: unknown };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new UserError(`--redact ${file}: cannot be loaded: ${problem}`, { cause: error });
  }
  const redact = loaded.default;
  if (typeof redact !== 'function') {
    throw new UserError(`--redact ${file}: expected a default export, a function of a text`);
  }
  return async (text) => {
    const redacted: unknown = await redact(text);
    // Better nothing stored than what the hook did not clear.
    if (typeof redacted !== 'string') throw new Error('the redaction hook returned no text');
    return redacted;
  };
}
